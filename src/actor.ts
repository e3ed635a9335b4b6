/** Who asks: made from a token or a ticket and from nothing else. */
export interface Actor {
  /** 24 hexadecimal digits. */
  readonly userId: string
  /** 24 hexadecimal digits; tokens of an existing user system belong to no session. */
  readonly sessionId?: string
  /** When the token ends, ms since 1970. */
  readonly expiresAt: number
}
