import { randomInt, randomUUID } from 'node:crypto'
import type { SignedIn } from '../../protocol/accounts/entities.ts'
import { mintToken, PASSWORD, type Person, type TestServer } from '../kit/helper.ts'
import type { Known } from './known.ts'

/** Limits that do not end it early, besides those of every server under test. */
export const ENV = { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000', LIMITS_PASSWORD_TRIES_PER_ADDRESS: '1000000' }

/** Who asks: two who talk, one who knows nobody, one who can sign out, and those who are nobody. */
export const WHO = ['ann', 'ann', 'ann', 'ben', 'ben', 'stranger', 'guest', 'guest', 'nobody', 'liar', 'late'] as const
export type Who = (typeof WHO)[number]

type Tokens = Record<Exclude<Who, 'nobody'>, string>

/** People who have talked, and what there is to name. */
export class World {
  readonly server: TestServer
  readonly known: Known
  readonly #tokens: Tokens

  private constructor(server: TestServer, known: Known, tokens: Tokens) {
    this.server = server
    this.known = known
    this.#tokens = tokens
  }

  static async open(server: TestServer): Promise<World> {
    const [ann, ben, cleo, stranger] = (await server.people(4)) as [Person, Person, Person, Person]
    const guest = await server.signUp({ phone: randomPhone(), email: `${randomUUID()}@example.com` })
    const post = async (who: Pick<Person, 'token'> | undefined, path: string, body: object) =>
      (await server.call(who, 'POST', path, body)).body
    const talk = await openTalk(server, [ann, ben, cleo, guest])
    const outgoing = await post(ann, '/v1/requests', { kind: 'chat', to: stranger.id })
    const incoming = await post(stranger, '/v1/requests', { kind: 'friend', to: ann.id })
    await post(ann, '/v1/blocks', { userId: cleo.id })
    const qr = await post(ann, '/v1/auth/qr', {})
    const { ticket } = await post(ann, '/v1/auth/tickets', {})
    const signIn = await post(undefined, '/v1/auth/otp', { purpose: 'login', phone: guest.user.phone })
    const email = `${randomUUID()}@example.com`
    const noted = await post({ token: guest.accessToken }, '/v1/users/me/addresses', { email })
    const { sessionId } = (await server.call({ token: guest.accessToken }, 'GET', '/v1/auth/me')).body
    const people = [ann, ben, cleo, stranger, guest.user].map(({ id }) => id)
    const known = {
      ids: [...people, ...talk, outgoing.id, incoming.id, qr.id, qr.token, sessionId],
      fields: fieldsOf(guest, { emails: [email], codes: [signIn.devCode, noted.devCode], ticket, token: ann.token })
    }
    return new World(server, known, {
      ann: ann.token,
      ben: ben.token,
      stranger: stranger.token,
      guest: guest.accessToken,
      liar: 'no.such.token',
      late: await mintToken(ann.hex, {}, -60)
    })
  }

  tokenOf(who: Who): string | undefined {
    return who === 'nobody' ? undefined : this.#tokens[who]
  }

  /** A session of the guest’s, after the last one has ended. */
  async renewGuest(): Promise<void> {
    this.#tokens.guest = (await this.server.signUp()).accessToken
  }
}

/** Conversations with messages of every kind. @returns the ids of both */
async function openTalk(server: TestServer, [ann, ben, cleo, guest]: [Person, Person, Person, SignedIn]) {
  const others = [ben, cleo, { ...ben, id: guest.user.id }] as const
  const conversations = [
    await server.direct(ann, ben),
    await server.direct(ann, cleo),
    await server.group(ann, ...others),
    await server.group(ben, ann)
  ]
  const messages: string[] = []
  for (const [index, conversation] of conversations.entries()) {
    for (const who of [ann, ben]) {
      const path = `/v1/conversations/${conversation}/messages`
      const { body } = await server.call(who, 'POST', path, { clientId: `first-${index}`, text: `Hello ${index}` })
      if (body.id !== undefined) messages.push(body.id)
    }
  }
  const gone = `/v1/conversations/${conversations[2]}/messages/${messages.at(-2)}`
  await server.call(ann, 'DELETE', gone)
  return [...conversations, ...messages]
}

interface Secrets {
  readonly emails: readonly string[]
  readonly codes: readonly string[]
  readonly ticket: string
  readonly token: string
}

function fieldsOf({ user, refreshToken }: SignedIn, { emails, codes, ticket, token }: Secrets): Known['fields'] {
  const { phone = '', email = '', username = '' } = user
  const passwords = { password: [PASSWORD], currentPassword: [PASSWORD], newPassword: [PASSWORD] }
  return {
    ...{ phone: [phone], phoneNumber: [phone], identifier: [phone], email: [email, ...emails], username: [username] },
    ...{ ...passwords, refreshToken: [refreshToken], code: codes, otp: codes, ticket: [ticket], token: [token] },
    ...{ q: ['Person', 'a'], search: ['Person'], ids: [user.id], emoji: ['👍', '🎉'], clientId: ['first-0'] }
  }
}

function randomPhone(): string {
  return `+49151${String(randomInt(1e8)).padStart(8, '0')}`
}
