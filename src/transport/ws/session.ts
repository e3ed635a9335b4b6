import { TypeCompiler } from '@sinclair/typebox/compiler'
import { encodeReply } from '../../../protocol/envelope.ts'
import { Hello } from '../../../protocol/events/session.ts'
import type { Limits } from '../../../protocol/limits.ts'
import { AppError } from '../../errors.ts'
import type { Actor } from '../../services/index.ts'
import { CommandBudget } from '../command-budget.ts'
import { type Dispatcher, type Envelope, readEnvelope, refusalText, requireData } from '../dispatch.ts'
import { type Greeter, type HelloData, reasonOf } from '../greeter.ts'
import { type SocketConnection, sendText } from './connection.ts'

/** Frames that may wait while the client is being authenticated. */
const MAX_EARLY_FRAMES = 8
/** Frames that make no sense and are answered; the next one closes. */
const MAX_BAD_FRAMES = 2

const checkHello = TypeCompiler.Compile(Hello.data)

/** What all clients of a server share. */
export interface ClientParts {
  dispatcher: Pick<Dispatcher, 'run'>
  greeter: Greeter
  limits: Limits
  isDraining: () => boolean
  onError: (error: unknown, type: string | undefined) => void
  /** Sends a client that keeps no cursors what it has missed. @returns the last `seq` sent of each conversation */
  catchUp?: (connection: SocketConnection, hello: HelloData) => Promise<ReadonlyMap<string, number>>
}

/** What one client says, from its first frame on: in order, within its limits, each command answered once. */
export class ClientSession {
  readonly #connection: SocketConnection
  readonly #parts: ClientParts
  /** Made when the client says something: most say little. */
  #spent: CommandBudget | undefined
  #inFlight: Set<string> | undefined
  #early: Envelope[] | undefined
  #badFrames = 0

  constructor(connection: SocketConnection, parts: ClientParts) {
    this.#connection = connection
    this.#parts = parts
  }

  /** Commands that have not been answered yet. */
  get running(): number {
    return this.#spent?.running ?? 0
  }

  get #budget(): CommandBudget {
    this.#spent ??= new CommandBudget(this.#parts.limits)
    return this.#spent
  }

  /** Takes a text frame. Never throws, never waits. */
  receive(text: string): void {
    const connection = this.#connection
    connection.touch()
    if (!connection.isOpen) return
    let envelope: Envelope
    try {
      envelope = readEnvelope(text, this.#parts.limits.depth)
    } catch (error) {
      return this.#refuseFrame(error)
    }
    if (this.#early !== undefined) return this.#keepEarly(envelope)
    const { actor } = connection
    if (actor !== undefined) return this.#take(actor, envelope)
    if (envelope.type === Hello.type && envelope.id === undefined)
      this.#refuseFrame(new AppError('bad_frame', 'hello needs an id'))
    else if (envelope.type === Hello.type) void this.#hello(envelope)
    else this.#refuseAndClose(envelope, new AppError('unauthenticated', 'Say hello first'), 'hello_required')
  }

  /** Authenticates with what came with the upgrade; frames wait meanwhile. */
  async authenticate(authenticating: Promise<Actor>): Promise<void> {
    const connection = this.#connection
    const { greeter, catchUp } = this.#parts
    this.#early = []
    try {
      await greeter.admit(connection, await authenticating)
      connection.goLive(await catchUp?.(connection, {}))
    } catch (error) {
      return this.#refuseHello(undefined, error)
    }
    this.#takeEarly()
  }

  async #hello(envelope: Envelope): Promise<void> {
    const connection = this.#connection
    const { greeter, catchUp } = this.#parts
    this.#early = []
    try {
      const hello = requireData(checkHello, envelope.data)
      const welcome = await greeter.greet(connection, hello)
      sendText(connection, encodeReply(envelope.id ?? '', Hello.type, welcome))
      connection.goLive(await catchUp?.(connection, hello))
    } catch (error) {
      return this.#refuseHello(envelope.id, error)
    }
    this.#takeEarly()
  }

  #takeEarly(): void {
    const early = this.#early ?? []
    this.#early = undefined
    const { actor } = this.#connection
    if (actor === undefined) return
    for (const envelope of early) this.#take(actor, envelope)
  }

  #keepEarly(envelope: Envelope): void {
    this.#early?.push(envelope)
    if ((this.#early?.length ?? 0) > MAX_EARLY_FRAMES) this.#connection.close('hello_required')
  }

  #take(actor: Actor, envelope: Envelope): void {
    const { id, type } = envelope
    if (type === Hello.type) return void this.#helloAgain(envelope)
    const refusal = this.#refusalOf(id)
    if (refusal !== undefined) return this.#refuse(envelope, refusal)
    if (id !== undefined) this.#inFlight = (this.#inFlight ?? new Set()).add(id)
    this.#budget.begin()
    void this.#run(actor, envelope)
  }

  async #run(actor: Actor, envelope: Envelope): Promise<void> {
    const connection = this.#connection
    const { dispatcher } = this.#parts
    const { id, type } = envelope
    try {
      const reply = await dispatcher.run({ actor, connection }, envelope)
      if (id !== undefined) sendText(connection, encodeReply(id, type, reply))
    } catch (error) {
      this.#refuse(envelope, error)
    } finally {
      this.#budget.end()
      if (id !== undefined) this.#inFlight?.delete(id)
    }
  }

  /** With the token at the upgrade, one `hello` may follow, to say what the client has. */
  async #helloAgain(envelope: Envelope): Promise<void> {
    const connection = this.#connection
    const { greeter } = this.#parts
    try {
      const hello = requireData(checkHello, envelope.data)
      if (!greeter.mayGreetAgain(connection)) {
        return this.#refuseAndClose(envelope, new AppError('conflict', 'One hello is enough'), 'protocol_violation')
      }
      const welcome = await greeter.welcome(connection, hello)
      sendText(connection, encodeReply(envelope.id ?? '', Hello.type, welcome))
    } catch (error) {
      this.#refuse(envelope, error)
    }
  }

  #refusalOf(id: string | undefined): AppError | undefined {
    if (this.#parts.isDraining()) return new AppError('draining', 'The server is going away', { retryAfterMs: 1_000 })
    if (id !== undefined && this.#inFlight?.has(id))
      return new AppError('conflict', 'A command with this id is under way')
    return this.#budget.take()
  }

  #refuse({ id, type }: Partial<Envelope>, error: unknown): void {
    if (!(error instanceof AppError)) this.#parts.onError(error, type)
    // Hints without an id are dropped in silence when they come too fast.
    const isSilent = id === undefined && error instanceof AppError && error.code === 'rate_limited'
    if (!isSilent) sendText(this.#connection, refusalText(id, type, error))
    if (this.#budget.countRefusal()) this.#connection.close('rate_abuse')
  }

  #refuseFrame(error: unknown): void {
    const connection = this.#connection
    this.#refuse({}, error)
    this.#badFrames += 1
    if (error instanceof AppError && error.code === 'unsupported_version') connection.close('unsupported_version')
    else if (this.#badFrames > MAX_BAD_FRAMES) connection.close('bad_frame')
  }

  #refuseAndClose({ id, type }: Envelope, error: AppError, reason: 'hello_required' | 'protocol_violation'): void {
    sendText(this.#connection, refusalText(id, type, error))
    this.#connection.close(reason)
  }

  #refuseHello(id: string | undefined, error: unknown): void {
    const connection = this.#connection
    const { onError } = this.#parts
    if (!(error instanceof AppError)) onError(error, Hello.type)
    sendText(connection, refusalText(id, Hello.type, error))
    connection.close(reasonOf(error))
  }
}
