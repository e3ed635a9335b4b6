import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'
import { CommandBudget } from '../command-budget.ts'
import { type Dispatcher, requireDepth } from '../dispatch.ts'
import { asAppError, presentError } from '../rest/errors.ts'
import type { SocketIoConnection } from './connection.ts'

interface Parts {
  readonly commands: Dispatcher
  readonly limits: Limits
  /** Resolves when the client has caught up. */
  readonly ready: Promise<void>
  readonly onError: (error: unknown, type?: string) => void
}

type Acknowledge = (answer: unknown) => void

/** What one socket.io client says: in order, within its limits, each command acknowledged or refused. */
export class PacketSession {
  readonly #connection: SocketIoConnection
  readonly #parts: Parts
  readonly #budget: CommandBudget

  constructor(connection: SocketIoConnection, parts: Parts) {
    this.#connection = connection
    this.#parts = parts
    this.#budget = new CommandBudget(parts.limits)
  }

  /** Takes a packet. Never throws, never waits. */
  receive(name: string, args: readonly unknown[]): void {
    const last = args.at(-1)
    const acknowledge = typeof last === 'function' ? (last as Acknowledge) : undefined
    const data = args.length > (acknowledge === undefined ? 0 : 1) ? args[0] : {}
    const refusal = this.#budget.take()
    if (refusal === undefined) void this.#run(name, data, acknowledge)
    else this.#refuse(name, data, acknowledge, refusal)
  }

  async #run(name: string, data: unknown, acknowledge: Acknowledge | undefined): Promise<void> {
    const { commands, limits, ready } = this.#parts
    const connection = this.#connection
    this.#budget.begin()
    try {
      requireDepth(data, limits.depth)
      await ready
      const reply = await commands.run({ actor: connection.actor, connection }, { id: undefined, type: name, data })
      acknowledge?.(reply)
    } catch (error) {
      this.#refuse(name, data, acknowledge, error)
    } finally {
      this.#budget.end()
    }
  }

  #refuse(name: string, data: unknown, acknowledge: Acknowledge | undefined, thrown: unknown): void {
    if (!(thrown instanceof AppError)) this.#parts.onError(thrown, name)
    const { code, message, retryAfterMs } = presentError(asAppError(thrown))
    const error = { code, message, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
    if (acknowledge !== undefined) acknowledge({ error })
    else this.#connection.socket.emit('error', { ...error, event: name, ...clientIdOf(data) })
    if (this.#budget.countRefusal()) this.#connection.close('rate_abuse')
  }
}

function clientIdOf(data: unknown): { clientId?: string } {
  const { clientId } = (data ?? {}) as { clientId?: unknown }
  return typeof clientId === 'string' ? { clientId: clientId.slice(0, 64) } : {}
}
