import type { Static } from '@sinclair/typebox'
import type { Hello } from '../../protocol/connection/events.ts'
import { FRAME_OUT_BYTES } from '../../protocol/limits.ts'
import type { Config } from '../config/config.ts'
import { AppError } from '../errors.ts'
import type { Standing } from '../streams/positions.ts'
import type { Connection } from './connection.ts'
import type { Credential } from './credential.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { HelloPort } from './ports.ts'

export type HelloData = Static<typeof Hello.data>
export type HelloReply = Static<typeof Hello.reply>

interface HandshakeDeps extends HelloPort {
  readonly lifecycle: Lifecycle
  readonly config: Pick<Config, 'limits' | 'timings'>
  readonly epoch: string
}

/** The handshake of a socket that speaks frames: by `hello`, or by the token that came with the upgrade. */
export class Handshake {
  readonly #deps: HandshakeDeps
  /** Connections that were authenticated at the upgrade and may still say `hello`, to say what they have. */
  readonly #deferred = new WeakSet<Connection>()

  constructor(deps: HandshakeDeps) {
    this.#deps = deps
  }

  /**
   * Lets a client in by the token or ticket of its `hello`.
   * @param send sends the reply; events follow it
   * @throws {AppError} that says why the client is not let in
   */
  async acceptHello(
    connection: Connection,
    hello: HelloData,
    { send, catchUp }: { send: (reply: HelloReply) => void; catchUp: () => Promise<void> }
  ): Promise<void> {
    const { lifecycle } = this.#deps
    await lifecycle.start(connection, {
      authenticate: async () => await lifecycle.authenticate(hello, connection),
      reply: async standing => send(await this.helloReply(connection, hello, standing)),
      catchUp
    })
  }

  /** Lets a client in by what came with the upgrade. @throws {AppError} that says why the client is not let in */
  async acceptUpgrade(connection: Connection, credential: Credential, catchUp: () => Promise<void>): Promise<void> {
    const { lifecycle } = this.#deps
    const authenticating = lifecycle.authenticate(credential, connection)
    // It is awaited when its turn comes.
    authenticating.catch(() => undefined)
    await lifecycle.start(connection, { authenticate: async () => await authenticating, catchUp })
    this.#deferred.add(connection)
  }

  /** Whether a client that was let in at the upgrade may say `hello` now; it may once. */
  takeDeferredHello(connection: Connection): boolean {
    return this.#deferred.delete(connection)
  }

  /** The reply to `hello` of a registered connection. @param standing where everything stood when it registered */
  async helloReply(
    connection: Connection,
    { cursors = {}, epoch }: HelloData,
    standing?: Standing
  ): Promise<HelloReply> {
    const { users, sync, config } = this.#deps
    const { actor } = connection
    if (actor === undefined) throw new AppError('unauthenticated', 'Say hello first')
    // Cursors of another epoch mean nothing any more.
    const known = epoch === undefined || epoch === this.#deps.epoch ? cursors : {}
    const [user, heads] = await Promise.all([users.me(actor), sync.heads(actor, known, { standing })])
    const gone = known === cursors ? heads.gone : Object.keys(cursors)
    return {
      user,
      connectionId: connection.id,
      epoch: this.#deps.epoch,
      heartbeatMs: config.timings.heartbeatMs,
      serverTime: new Date().toISOString(),
      limits: { ...config.limits, frameOutBytes: FRAME_OUT_BYTES },
      ...heads,
      gone
    }
  }
}
