import { AppError } from '../errors.ts'

const ONCE_GOOD: readonly AppError['code'][] = ['token_expired', 'session_revoked', 'account_disabled']

/** Whether an error refuses a token that was good once: no attack, and counted by the token. */
export function wasOnceGood(error: unknown): boolean {
  return error instanceof AppError && ONCE_GOOD.includes(error.code)
}

/** Credential of a client: an access token, or a ticket that was made with one. */
export interface Credential {
  readonly token?: string | undefined
  readonly ticket?: string | undefined
  /** Of a client that opens an event stream, with the proof that it has had events of it, if it shows one. */
  readonly stream?: { readonly proof: string | undefined }
}

/** The token of an `Authorization: Bearer` header. */
export function bearerToken(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
}

/** The credential of a handshake by HTTP: the header counts before the query, a ticket before a token. */
export function readCredential(
  { authorization }: { readonly authorization?: string | undefined },
  query: Readonly<Record<string, unknown>>,
  isQueryTokenAllowed: boolean
): Credential {
  const { token, ticket } = query
  const bearer = bearerToken(authorization)
  if (bearer !== undefined) return { token: bearer }
  if (typeof ticket === 'string') return { ticket }
  return typeof token === 'string' && isQueryTokenAllowed ? { token } : {}
}
