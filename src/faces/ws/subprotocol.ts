import { SUBPROTOCOL } from '../../../protocol/envelope.ts'
import type { Timings } from '../../config/timings.ts'
import type { ConnectionCounts } from '../../realtime/connection.ts'
import type { TrackDelivery } from '../../realtime/delivery/delivery-tracker.ts'
import type { MissedEvents, Receiver } from '../../realtime/delivery/missed.ts'
import { deviceOf } from '../../realtime/device.ts'
import { DialectEncoder, type RealtimeDialect } from '../../realtime/encoding/dialect-encoder.ts'
import type { HelloData } from '../../realtime/handshake.ts'
import type { SocketConnection, SocketDeps } from './connection.ts'
import { WriteScheduler } from './frame-batch.ts'
import { FrameEncoder, FrameWriter } from './frame-encoder.ts'
import type { FrameLoopDeps } from './frame-loop.ts'

/** Subprotocol of the raw socket: encoder, commands, and replay of what was missed. */
export interface Subprotocol {
  readonly socket: SocketDeps
  readonly loop: FrameLoopDeps
}

interface SubprotocolDeps {
  readonly dialects: readonly RealtimeDialect[]
  readonly counts: ConnectionCounts
  readonly timings: Timings
  readonly missed: MissedEvents
  readonly trackDelivery: TrackDelivery
  readonly onError: (error: unknown) => void
}

/** The canonical subprotocol at '', and one for each dialect by its name. */
export function createSubprotocols(canonical: FrameLoopDeps, deps: SubprotocolDeps): Map<string, Subprotocol> {
  const { counts, timings } = deps
  const scheduler = new WriteScheduler()
  const encoder = new FrameEncoder(counts.encoded.tally('canonical', 'frames'))
  const socket = { encoder, scheduler, counts, timings, trackDelivery: undefined }
  const subprotocols = new Map<string, Subprotocol>([['', { socket, loop: canonical }]])
  for (const dialect of deps.dialects) {
    const { loop, ...own } = createSubprotocol(canonical, dialect, deps)
    subprotocols.set(dialect.name, { socket: { ...own, scheduler, counts, timings }, loop })
  }
  return subprotocols
}

/** Canonical commands are understood too, so that such a client may sign in by `hello` and pull. */
function createSubprotocol(
  canonical: FrameLoopDeps,
  dialect: RealtimeDialect,
  { counts, missed, trackDelivery, onError }: SubprotocolDeps
): Pick<SocketDeps, 'encoder' | 'trackDelivery'> & Pick<Subprotocol, 'loop'> {
  const writer = new FrameWriter(counts.encoded.tally(dialect.name, 'frames'))
  const { commands } = dialect
  const dispatcherOf = (type: string) => (commands.types.includes(type) ? commands : canonical.dispatcher)
  const dispatcher: FrameLoopDeps['dispatcher'] = {
    isDroppable: type => dispatcherOf(type).isDroppable(type),
    run: async (context, envelope) => await dispatcherOf(envelope.type).run(context, envelope)
  }
  const replay = async (connection: SocketConnection, { device }: HelloData): Promise<void> => {
    const { catchUp, tracker } = connection
    if (tracker === undefined) return
    const actor = connection.requireActor()
    const emit: Receiver['emit'] = (translated, outbound) => writer.writeMissed(translated, outbound, connection)
    await missed.replay(actor, { dialect, ...deviceOf(actor, device?.id) }, { connection, catchUp, tracker, emit })
  }
  return {
    encoder: new DialectEncoder(dialect, writer, onError),
    loop: {
      ...canonical,
      dispatcher,
      catchUp: async (connection, hello) => (hello.cursors === undefined ? await replay(connection, hello) : undefined)
    },
    trackDelivery
  }
}

/** The first offered subprotocol that is spoken here: `parley.v1`, or `parley.v1.<dialect>`. */
export function chooseSubprotocol(offered: Iterable<string>, dialects: readonly string[]): string | undefined {
  const known = [SUBPROTOCOL, ...dialects.map(name => `${SUBPROTOCOL}.${name}`)]
  return [...offered].map(name => name.trim()).find(name => known.includes(name))
}
