/** Author of a request, made from a token or a ticket and from nothing else. */
export interface Actor {
  /** 24 hexadecimal digits. */
  readonly userId: string
  /** 24 hexadecimal digits; tokens of an existing user system belong to no session. */
  readonly sessionId?: string
  /** Digest that tells tokens of an existing user system apart. */
  readonly tokenId?: string
  /** End of the token, ms since 1970. */
  readonly expiresAt: number
}
