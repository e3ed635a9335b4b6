import type { Test } from 'tap'
import type { Person, TestServer } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'

/** Calls as the app makes them. @returns the `data` of what was granted */
// biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
export type Grant = (who: Person, method: string, path: string, body?: unknown) => Promise<any>

/** @throws {Error} with the body of a refusal */
export function granter(server: TestServer): Grant {
  return async (who, method, path, body) => {
    const answer = await server.call(who, method, path, body)
    if (answer.status >= 300 || answer.body.success !== true) throw new Error(`${method} ${path}: ${answer.text}`)
    return answer.body.data
  }
}

/** The app's socket of somebody. */
export async function openApp(t: Test, server: TestServer, who: Person, version: 2 | 4 = 4): Promise<PacketClient> {
  const token = { token: who.token }
  return await PacketClient.open(t, server.url, { version, namespace: '/mobile', auth: token, query: token })
}

/** The app's body of a refusal with this code. */
export function refusal(code: string) {
  return { success: false, error: { code, message: String }, message: String }
}
