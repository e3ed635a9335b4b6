import type { Test } from 'tap'
import { ERRORS, type ErrorCode } from '../../protocol/errors.ts'
import { type Person, startServer, type TestServer } from '../kit/helper.ts'
import { Writes } from '../kit/writes.ts'

/** 24 hexadecimal digits that are nobody’s id. */
export const NOBODY = 'a'.repeat(24)

/** A server with something in it, and a person whose requests are bad. */
export interface Scene {
  server: TestServer
  ann: Person
  conversationId: string
  messageId: string
}

/** Starts it, with limits that do not end an attack early. */
export async function scene(t: Test, env: Record<string, string> = {}): Promise<Scene> {
  const server = await startServer(t, { env: { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000', ...env } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.group(ann, ben)
  const body = { clientId: 'm', text: 'Hello' }
  const { id } = (await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, body)).body
  return { server, ann, conversationId, messageId: id }
}

/** Afterwards the same process is there, healthy, and has written nothing. */
export async function unharmed(t: Test, { server }: Scene, attack: () => Promise<void>): Promise<void> {
  const writes = await Writes.watch(t, server.uri)
  const crashes: unknown[] = []
  const crashed = (error: unknown): unknown => crashes.push(error)
  process.on('unhandledRejection', crashed).on('uncaughtException', crashed)
  await attack()
  t.equal((await server.call(undefined, 'GET', '/health/ready')).status, 200, 'healthy')
  t.same(await writes.take(), [], 'nothing was written')
  process.off('unhandledRejection', crashed).off('uncaughtException', crashed)
  t.same(crashes, [], 'nothing was thrown past everybody')
}

/** The whole of a refusal: status, code, words for people, whether to retry, and the request’s id. */
export function expectError(t: Test, answer: { status: number; body: unknown }, code: ErrorCode, name: string): void {
  const { status, retry } = ERRORS[code]
  t.match(answer, { status, body: { error: { code, message: /./, retry, requestId: String } } }, `${name} → ${code}`)
}
