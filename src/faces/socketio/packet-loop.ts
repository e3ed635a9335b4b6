import { presentError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type Answer, CommandLoop, type CommandLoopDeps } from '../../realtime/commands/command-loop.ts'
import { type Dispatcher, requireDepth } from '../../realtime/commands/dispatcher.ts'
import type { SocketIoConnection } from './connection.ts'
import { Unacknowledged } from './unacknowledged.ts'

type Acknowledge = (answer: unknown) => void

interface PacketLoopDeps extends CommandLoopDeps {
  readonly dispatcher: Pick<Dispatcher, 'run' | 'isDroppable' | 'takesClientId'>
}

/** Reads the packets of one socket.io client: each is a command, acknowledged or refused. */
export class PacketLoop {
  readonly #connection: SocketIoConnection
  readonly #deps: PacketLoopDeps
  readonly #commands: CommandLoop
  readonly #unacknowledged: Unacknowledged
  /** Resolves when the client has caught up. */
  readonly #ready: Promise<void>

  constructor(connection: SocketIoConnection, deps: PacketLoopDeps, ready: Promise<void>) {
    this.#connection = connection
    this.#deps = deps
    this.#commands = new CommandLoop(connection, deps)
    this.#unacknowledged = new Unacknowledged(callback => connection.whenReached(callback))
    this.#ready = ready
  }

  /** Takes no more commands. Resolves when those under way are answered, or after so long, ms. */
  async leave(withinMs: number): Promise<void> {
    await this.#commands.leave(withinMs)
  }

  /** Takes a packet. Never throws, never waits. */
  receive(type: string, args: readonly unknown[]): void {
    const last = args.at(-1)
    const acknowledge = typeof last === 'function' ? (last as Acknowledge) : undefined
    const data = args.length > (acknowledge === undefined ? 0 : 1) ? args[0] : {}
    const answer = this.#answer(type, data, acknowledge)
    try {
      requireDepth(data, this.#deps.limits.depth)
    } catch (error) {
      return this.#commands.refuse(type, error, answer)
    }
    const isSend = acknowledge !== undefined && this.#deps.dispatcher.takesClientId(type)
    const send = isSend ? this.#unacknowledged.name(type, data) : undefined
    if (send === undefined) return this.#take(type, data, answer)
    this.#take(type, send.data, {
      grant: reply => {
        send.answered()
        answer.grant(reply)
      },
      refuse: error => {
        send.answered()
        answer.refuse(error)
      }
    })
  }

  #take(type: string, data: unknown, answer: Answer): void {
    this.#commands.take(this.#connection.actor, { id: undefined, type, data }, answer, this.#ready)
  }

  #answer(event: string, data: unknown, acknowledge: Acknowledge | undefined): Answer {
    return {
      grant: reply => acknowledge?.(reply),
      refuse: thrown => {
        const { code, message, retryAfterMs } = presentError(thrown)
        const error = { code, message, ...omitUndefined({ retryAfterMs }) }
        if (acknowledge !== undefined) acknowledge({ error })
        else this.#connection.socket.emit('error', { ...error, event, ...clientIdOf(data) })
      }
    }
  }
}

function clientIdOf(data: unknown): { clientId?: string } {
  const { clientId } = (data ?? {}) as { clientId?: unknown }
  return typeof clientId === 'string' ? { clientId: clientId.slice(0, 64) } : {}
}
