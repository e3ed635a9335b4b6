import { Hello } from '../../../protocol/connection/events.ts'
import { encodeRefusal, encodeReply } from '../../../protocol/envelope.ts'
import { SyncHeads } from '../../../protocol/sync/events.ts'
import type { Actor } from '../../actor.ts'
import { CheckedSchema } from '../../contract/checked-schema.ts'
import { AppError, presentError } from '../../errors.ts'
import { type Answer, CommandLoop, type CommandLoopDeps } from '../../realtime/commands/command-loop.ts'
import { type Envelope, readEnvelope, requireData } from '../../realtime/commands/dispatcher.ts'
import type { Credential } from '../../realtime/credential.ts'
import type { Handshake, HelloData } from '../../realtime/handshake.ts'
import { closeReasonOf } from '../../realtime/lifecycle.ts'
import { type SocketConnection, sendText } from './connection.ts'

/** Frames that may wait while the client is being let in. */
const MAX_EARLY_FRAMES = 8
/** Frames that make no sense and are answered; the next one closes. */
const MAX_BAD_FRAMES = 2

/** Commands whose frame may be larger than others. */
const WITH_CURSORS: readonly string[] = [Hello.type, SyncHeads.type]
/** Code of the WebSocket standard for a message that is too large. */
const TOO_LARGE = 1009

const helloData = new CheckedSchema(Hello.data)

/** Dependencies that all clients of a subprotocol share. */
export interface FrameLoopDeps extends CommandLoopDeps {
  readonly handshake: Handshake
  /** Sends a client that keeps no cursors what it has missed. */
  readonly catchUp?: (connection: SocketConnection, hello: HelloData) => Promise<void>
}

/** Reads the frames of one client: the handshake first, then commands, in order. */
export class FrameLoop {
  readonly #connection: SocketConnection
  readonly #deps: FrameLoopDeps
  readonly #commands: CommandLoop
  /** Frames that came while the client was being let in. */
  #early: Envelope[] | undefined
  #badFrames = 0

  constructor(connection: SocketConnection, deps: FrameLoopDeps) {
    this.#connection = connection
    this.#deps = deps
    this.#commands = new CommandLoop(connection, deps)
  }

  /** Takes no more commands. Resolves when those under way are answered, or after so long, ms. */
  async leave(withinMs: number): Promise<void> {
    await this.#commands.leave(withinMs)
  }

  /** Takes a text frame, of so many bytes. Never throws, never waits. */
  receive(text: string, bytes: number): void {
    const connection = this.#connection
    connection.touch()
    if (!connection.isOpen) return
    const { limits } = this.#deps
    const isLarge = bytes > limits.frameInBytes
    let envelope: Envelope
    try {
      envelope = readEnvelope(text, limits.depth)
    } catch (error) {
      return isLarge ? this.#refuseLarge({}) : this.#refuseFrame(error)
    }
    if (isLarge && !WITH_CURSORS.includes(envelope.type)) return this.#refuseLarge(envelope)
    const { actor } = connection
    if (this.#early !== undefined) this.#keepEarly(envelope)
    else if (actor !== undefined) this.#take(actor, envelope)
    else this.#takeFirst(envelope)
  }

  /** Lets the client in by what came with the upgrade; frames wait meanwhile. */
  async authenticate(credential: Credential): Promise<void> {
    const { handshake } = this.#deps
    await this.#letIn(undefined, async () => {
      await handshake.acceptUpgrade(this.#connection, credential, async () => await this.#catchUp({}))
    })
  }

  #takeFirst(envelope: Envelope): void {
    const { id, type } = envelope
    if (type !== Hello.type) {
      this.#refuseAndClose(envelope, new AppError('unauthenticated', 'Say hello first'), 'hello_required')
    } else if (id === undefined) this.#refuseFrame(new AppError('bad_frame', 'hello needs an id'))
    else void this.#letIn(id, async () => await this.#acceptHello(id, requireData(helloData, envelope.data)))
  }

  async #acceptHello(id: string, hello: HelloData): Promise<void> {
    await this.#deps.handshake.acceptHello(this.#connection, hello, {
      send: reply => sendText(this.#connection, encodeReply(id, Hello.type, reply)),
      catchUp: async () => await this.#catchUp(hello)
    })
  }

  async #catchUp(hello: HelloData): Promise<void> {
    await this.#deps.catchUp?.(this.#connection, hello)
  }

  async #letIn(id: string | undefined, accept: () => Promise<void>): Promise<void> {
    this.#early = []
    try {
      await accept()
    } catch (error) {
      return this.#refuseHello(id, error)
    }
    const early = this.#early
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
    if (envelope.type === Hello.type) return void this.#takeDeferredHello(envelope)
    this.#commands.take(actor, envelope, this.#answer(envelope))
  }

  #answer({ id, type }: Partial<Envelope>): Answer {
    return {
      grant: reply => {
        if (id === undefined || type === undefined) return
        const text = encodeReply(id, type, reply)
        sendText(this.#connection, text)
        const { actor } = this.#connection
        if (actor !== undefined) this.#deps.budgets.chargeAnswer(actor.userId, text.length)
      },
      refuse: error => {
        // Hints without an id are dropped in silence when they come too fast.
        const isSilent = id === undefined && error instanceof AppError && error.code === 'rate_limited'
        if (!isSilent) sendText(this.#connection, refusalText(id, type, error))
      }
    }
  }

  /** Accept one `hello` after a token at the upgrade, to say what the client has. */
  async #takeDeferredHello(envelope: Envelope): Promise<void> {
    const { handshake } = this.#deps
    try {
      const hello = requireData(helloData, envelope.data)
      if (!handshake.takeDeferredHello(this.#connection)) {
        return this.#refuseAndClose(envelope, new AppError('conflict', 'One hello is enough'), 'protocol_violation')
      }
      const reply = await handshake.helloReply(this.#connection, hello)
      sendText(this.#connection, encodeReply(envelope.id ?? '', Hello.type, reply))
    } catch (error) {
      this.#commands.refuse(envelope.type, this.#deps.availability.asRefusal(error), this.#answer(envelope))
    }
  }

  #refuseFrame(error: unknown): void {
    const connection = this.#connection
    this.#commands.refuse(undefined, error, this.#answer({}))
    this.#badFrames += 1
    if (error instanceof AppError && error.code === 'unsupported_version') connection.close('unsupported_version')
    else if (this.#badFrames > MAX_BAD_FRAMES) connection.close('bad_frame')
  }

  #refuseLarge({ id, type }: Partial<Envelope>): void {
    sendText(this.#connection, refusalText(id, type, new AppError('too_large', 'The frame is too large')))
    this.#connection.closeWith(TOO_LARGE, 'too_large')
  }

  #refuseAndClose({ id, type }: Envelope, error: AppError, reason: 'hello_required' | 'protocol_violation'): void {
    sendText(this.#connection, refusalText(id, type, error))
    this.#connection.close(reason)
  }

  #refuseHello(id: string | undefined, thrown: unknown): void {
    const error = this.#deps.availability.asRefusal(thrown)
    if (!(error instanceof AppError)) this.#deps.onError(error, Hello.type)
    sendText(this.#connection, refusalText(id, Hello.type, error))
    this.#connection.close(closeReasonOf(error))
  }
}

function refusalText(id: string | undefined, type: string | undefined, error: unknown): string {
  return encodeRefusal(id, type, presentError(error))
}
