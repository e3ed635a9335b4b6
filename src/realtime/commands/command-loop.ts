import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'
import type { Actor } from '../../services/index.ts'
import type { Connection } from '../connection.ts'
import { CommandBudget } from './command-budget.ts'
import type { Dispatcher, Envelope } from './dispatcher.ts'

export interface CommandLoopDeps {
  readonly dispatcher: Pick<Dispatcher, 'run'>
  readonly limits: Limits
  readonly isDraining: () => boolean
  readonly onError: (error: unknown, type: string | undefined) => void
}

/** Answers one command, in the framing of its face. */
export interface Answer {
  grant(reply: unknown): void
  refuse(error: unknown): void
}

/** Runs the commands of one connection: within its limits, each answered once, whatever the framing. */
export class CommandLoop {
  readonly #connection: Connection
  readonly #deps: CommandLoopDeps
  /** Made when the client says something: most say little. */
  #budget: CommandBudget | undefined
  /** Ids of commands that have not been answered. */
  #inFlight: Set<string> | undefined

  constructor(connection: Connection, deps: CommandLoopDeps) {
    this.#connection = connection
    this.#deps = deps
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#budget?.running ?? 0
  }

  /** Takes a command; it runs once `ready` resolves. Never throws, never waits. */
  take(actor: Actor, envelope: Envelope, answer: Answer, ready?: Promise<unknown>): void {
    const refusal = this.#refusalOf(envelope)
    if (refusal !== undefined) return this.refuse(envelope.type, refusal, answer)
    if (envelope.id !== undefined) this.#inFlight = (this.#inFlight ?? new Set()).add(envelope.id)
    this.#spent.begin()
    void this.#run(actor, envelope, { answer, ready })
  }

  /** Refuses; a client that is refused too often is sent away. */
  refuse(type: string | undefined, error: unknown, answer: Pick<Answer, 'refuse'>): void {
    if (!(error instanceof AppError)) this.#deps.onError(error, type)
    answer.refuse(error)
    if (this.#spent.countRefusal()) this.#connection.close('rate_abuse')
  }

  get #spent(): CommandBudget {
    this.#budget ??= new CommandBudget(this.#deps.limits)
    return this.#budget
  }

  #refusalOf({ id }: Envelope): AppError | undefined {
    if (this.#deps.isDraining()) return new AppError('draining', 'The server is going away', { retryAfterMs: 1_000 })
    if (id !== undefined && this.#inFlight?.has(id)) {
      return new AppError('conflict', 'A command with this id is under way')
    }
    return this.#spent.take()
  }

  async #run(
    actor: Actor,
    envelope: Envelope,
    { answer, ready }: { answer: Answer; ready: Promise<unknown> | undefined }
  ): Promise<void> {
    try {
      if (ready !== undefined) await ready
      answer.grant(await this.#deps.dispatcher.run({ actor, connection: this.#connection }, envelope))
    } catch (error) {
      this.refuse(envelope.type, error, answer)
    } finally {
      this.#spent.end()
      if (envelope.id !== undefined) this.#inFlight?.delete(envelope.id)
    }
  }
}
