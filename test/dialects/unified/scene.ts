import { randomInt } from 'node:crypto'
import type { Test } from 'tap'
import { bareId } from '../../../protocol/ids.ts'
import { type Answer, joinServer, type Person, startServer, type TestServer } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'

/** A German mobile number that nobody else in the test has. */
export function newPhone(): string {
  return `+4915${randomInt(1_000_000_000).toString().padStart(9, '0')}`
}

/** A server and people who are known to it. @param env for a server of its own */
export async function startScene(t: Test, env?: Record<string, string>) {
  const server = await (env === undefined ? joinServer(t) : startServer(t, { env }))
  const [ann, ben, cleo] = (await server.people(3)) as [Person, Person, Person]
  return { server, ann, ben, cleo }
}

/** Registers a number by its code. @returns the person and the whole answer */
export async function registerPhone(
  server: TestServer,
  phone: string,
  fields: object = {}
): Promise<Person & { answer: Answer }> {
  const sent = await server.call(undefined, 'POST', '/auth/send-otp', { phone })
  const otp = sent.body.data.devCode
  const answer = await server.call(undefined, 'POST', '/auth/verify-otp-register', { phone, otp, ...fields })
  const { token, user } = answer.body.data
  return { hex: bareId(user.id), id: `user_${user.id}`, token, answer }
}

/** The client of the app: unmodified, no namespace, its token where its version puts it. It is live when it is there. */
export async function openApp(t: Test, server: TestServer, { token }: Pick<Person, 'token'>, version: 2 | 4 = 4) {
  const place = version === 4 ? { auth: { token } } : { query: { auth: token } }
  const client = await PacketClient.open(t, server.url, { version, ...place })
  // Whatever it says is answered when it has caught up.
  await client.ask('typing', {})
  return client
}
