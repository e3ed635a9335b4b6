import type { Test } from 'tap'
import type { Person, TestServer } from '../../helper.ts'
import type { PacketClient } from '../../packet-client.ts'
import { problemsOf, type Shape } from './shape.ts'

/** Person with a full profile, and the app’s socket. */
export interface Guest extends Person {
  readonly socket: PacketClient
}

/** Three people; Ann has a chat with Ben and a group with both, in which things were said. */
export interface Scene {
  readonly server: TestServer
  readonly ann: Guest
  readonly ben: Guest
  readonly cleo: Person
  /** With whom nobody has a chat. */
  readonly stranger: Person
  /** As Ben registered it. */
  readonly phoneOfBen: string
  /** Bare ids. */
  readonly direct: string
  readonly group: string
  /** Of Ann’s, in the chat with Ben. */
  readonly message: string
}

/** An event, its shape, and who hears it: by default both. */
export interface TellsExample {
  readonly name: string
  readonly shape: Shape
  readonly to?: readonly ('ann' | 'ben')[]
}

/** Call as a document has it: caller, input, and the whole body that must be answered. */
export interface RestExample {
  readonly says: `${'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'} /${string}`
  readonly by?: 'ann' | 'ben'
  readonly body?: (scene: Scene) => object
  readonly answers: Shape
  readonly tells?: readonly TellsExample[]
}

/** Command on the socket: its acknowledgement, and the events of everybody who must hear of it. */
export interface SocketExample {
  readonly says: string
  readonly by?: 'ann' | 'ben'
  readonly data: (scene: Scene) => object
  readonly acknowledges: Shape
  readonly tells?: readonly TellsExample[]
}

/** Calls in their order: what one makes the next may use. */
export async function walkCalls(t: Test, scene: Scene, root: string, examples: readonly RestExample[]): Promise<void> {
  for (const { says, by = 'ann', body, answers, tells = [] } of examples) {
    const [method = '', path = ''] = says.split(' ')
    const untilTold = listen(t, scene, says, tells)
    const answer = await scene.server.call(scene[by], method, root + filled(path, scene), body?.(scene))
    t.ok(answer.status < 300, `${root} ${says}: ${answer.status}`)
    t.same(problemsOf(answer.body, answers), [], `${root} ${says}`)
    await untilTold()
  }
}

/** Send the examples in order, and require the events of everybody who must hear them. */
export async function walkSocket(t: Test, scene: Scene, examples: readonly SocketExample[]): Promise<void> {
  for (const { says, by = 'ann', data, acknowledges, tells = [] } of examples) {
    const untilTold = listen(t, scene, says, tells)
    t.same(problemsOf(await scene[by].socket.ask(says, data(scene)), acknowledges), [], `${says} is acknowledged`)
    await untilTold()
  }
}

/** From now on. @returns what waits for the events and looks at them */
function listen(t: Test, scene: Scene, says: string, tells: readonly TellsExample[]): () => Promise<void> {
  const from = new Map([scene.ann, scene.ben].map(it => [it, it.socket.heard.length]))
  return async () => {
    for (const { name, shape, to = ['ann', 'ben'] as const } of tells) {
      for (const who of to) {
        const told = await heardSince(scene[who], name, from.get(scene[who]) ?? 0)
        t.same(problemsOf(told, shape), [], `${name} after ${says}, to ${who}`)
      }
    }
  }
}

/** The first event of this name, of those that fit, that came after so many. */
export async function heardSince(
  { socket }: Pick<Guest, 'socket'>,
  name: string,
  from: number,
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  fits: (data: any) => boolean = () => true
): Promise<unknown> {
  const old = new Set(socket.heard.slice(0, from).map(({ data }) => data))
  return await socket.hear(name, data => !old.has(data) && fits(data))
}

function filled(path: string, { ann, ben, cleo, direct, group, message }: Scene): string {
  const ids: Record<string, string> = { ann: ann.hex, ben: ben.hex, cleo: cleo.hex, direct, group, message }
  return path.replace(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? '')
}
