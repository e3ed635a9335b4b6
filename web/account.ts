import type { SignedIn } from '../protocol/accounts/entities.ts'
import type { WireError } from '../protocol/envelope.ts'

/** Place where the browser keeps the accounts of this page, so that a reload makes no new ones. */
const KEPT = 'parley.people'

interface Account {
  readonly username: string
  readonly password: string
}

/** A refusal of the server, in its words. */
export class Refused extends Error {
  readonly code: string

  constructor({ code, message }: WireError) {
    super(message)
    this.code = code
  }
}

/** Asks over REST. @throws {Refused} */
export async function call<T>(token: string | undefined, path: string, body: object): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body)
  })
  const answer = await response.json()
  if (!response.ok) throw new Refused(answer.error)
  return answer
}

/** Signs somebody of this page in: with the account that the browser has kept, or a new one. */
export async function signIn(displayName: string): Promise<SignedIn> {
  const device = { id: 'start-page', platform: 'web' }
  const kept = readKept()
  const account = kept[displayName]
  if (account !== undefined) {
    const signedIn = await call<SignedIn>(undefined, '/v1/auth/login', { ...account, device }).catch(ignoreUnknown)
    if (signedIn !== undefined) return signedIn
  }
  const made = { username: `${displayName.toLowerCase()}-${random(4)}`, password: random(16) }
  const signedIn = await call<SignedIn>(undefined, '/v1/auth/register', { ...made, displayName, device })
  localStorage.setItem(KEPT, JSON.stringify({ ...kept, [displayName]: made }))
  return signedIn
}

/** Takes an account that this server does not know, as after its data was removed, for none. */
function ignoreUnknown(error: unknown): undefined {
  if (error instanceof Refused && error.code === 'unauthenticated') return undefined
  throw error
}

function readKept(): Record<string, Account> {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? '{}')
  } catch {
    return {}
  }
}

function random(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map(it => it.toString(16).padStart(2, '0')).join('')
}
