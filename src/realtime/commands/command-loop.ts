import { setTimeout as delay } from 'node:timers/promises'
import type { Limits } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Availability } from '../../database/availability.ts'
import { AppError, goingAway, presentError } from '../../errors.ts'
import type { Budgets } from '../../limits/budgets.ts'
import type { Connection, ConnectionCounts } from '../connection.ts'
import { ConnectionLimits } from './connection-limits.ts'
import type { Dispatcher, Envelope } from './dispatcher.ts'

/** Pause between two looks whether all commands are answered, ms. */
const ANSWERED_MS = 10

export interface CommandLoopDeps {
  readonly dispatcher: Pick<Dispatcher, 'run' | 'isDroppable'>
  readonly limits: Limits
  readonly budgets: Budgets
  readonly availability: Pick<Availability, 'asRefusal'>
  readonly counts: Pick<ConnectionCounts, 'refusals'>
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
  #limits: ConnectionLimits | undefined
  /** Ids of commands that have not been answered. */
  #inFlight: Set<string> | undefined
  #isLeaving = false

  constructor(connection: Connection, deps: CommandLoopDeps) {
    this.#connection = connection
    this.#deps = deps
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#limits?.running ?? 0
  }

  /** Takes no more commands, as the server goes away. Resolves when those under way are answered, or after so long, ms. */
  async leave(withinMs: number): Promise<void> {
    this.#isLeaving = true
    const until = performance.now() + withinMs
    while (this.running > 0 && performance.now() < until) await delay(ANSWERED_MS)
  }

  /** Takes a command; it runs once `ready` resolves. Never throws, never waits. */
  take(actor: Actor, envelope: Envelope, answer: Answer, ready?: Promise<unknown>): void {
    try {
      this.#requireAllowed(actor, envelope)
    } catch (error) {
      return this.#turnAway(envelope.type, error, answer)
    }
    if (envelope.id !== undefined) this.#inFlight = (this.#inFlight ?? new Set()).add(envelope.id)
    this.#own.begin()
    void this.#run(actor, envelope, { answer, ready })
  }

  /** Refuses; a client that is refused too often is sent away. */
  refuse(type: string | undefined, error: unknown, answer: Pick<Answer, 'refuse'>): void {
    if (!(error instanceof AppError)) this.#deps.onError(error, type)
    const code = error instanceof AppError ? error.code : 'internal'
    this.#deps.counts.refusals.count({ framing: this.#connection.framing, code })
    answer.refuse(error)
    if (this.#own.countRefusal(presentError(error).retryAfterMs)) this.#connection.close('rate_abuse')
  }

  /** Refuses a command; one that may be lost counts as done over the limit, and towards sending the client away. */
  #turnAway(type: string, error: unknown, answer: Answer): void {
    const isOverLimit = error instanceof AppError && error.code === 'rate_limited'
    if (!isOverLimit || !this.#deps.dispatcher.isDroppable(type)) return this.refuse(type, error, answer)
    answer.grant({})
    if (this.#own.countRefusal()) this.#connection.close('rate_abuse')
  }

  get #own(): ConnectionLimits {
    this.#limits ??= new ConnectionLimits(this.#deps.limits)
    return this.#limits
  }

  #requireAllowed(actor: Actor, { id, type }: Envelope): void {
    if (this.#isLeaving) throw goingAway()
    if (id !== undefined && this.#inFlight?.has(id)) {
      throw new AppError('conflict', 'A command with this id is under way')
    }
    this.#own.requireRoom()
    const { budgets, dispatcher } = this.#deps
    if (dispatcher.isDroppable(type)) budgets.spendOnce(actor)
    else budgets.spend(actor)
  }

  async #run(
    actor: Actor,
    envelope: Envelope,
    { answer, ready }: { answer: Answer; ready: Promise<unknown> | undefined }
  ): Promise<void> {
    const since = performance.now()
    try {
      if (ready !== undefined) await ready
      answer.grant(await this.#deps.dispatcher.run({ actor, connection: this.#connection }, envelope))
    } catch (error) {
      this.refuse(envelope.type, this.#deps.availability.asRefusal(error, since), answer)
    } finally {
      this.#own.end()
      if (envelope.id !== undefined) this.#inFlight?.delete(envelope.id)
    }
  }
}
