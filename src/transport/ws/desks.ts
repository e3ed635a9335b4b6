import { SUBPROTOCOL } from '../../../protocol/envelope.ts'
import type { Config } from '../../config.ts'
import type { Services } from '../../services/index.ts'
import { Arrivals } from '../arrivals.ts'
import { CatchUp } from '../catch-up.ts'
import type { ConnectionCounts, Voice } from '../connection.ts'
import { type Vocabulary, VocabularyVoice } from '../vocabulary.ts'
import type { SocketConnection } from './connection.ts'
import { FrameFraming, FrameVoice } from './frame-voice.ts'
import type { ClientParts } from './session.ts'

/** How clients of one vocabulary are served on the raw socket. */
export interface Desk {
  readonly voice: Voice
  readonly parts: ClientParts
}

interface DeskParts {
  readonly services: Pick<Services, 'history' | 'pairs' | 'receipts' | 'sessions'>
  readonly vocabularies: ReadonlyMap<string, Vocabulary>
  readonly counts: Pick<ConnectionCounts, 'encoded'>
  readonly config: Pick<Config, 'timings'>
  readonly onError: (error: unknown) => void
}

/** The canonical desk at `undefined`, and one for each vocabulary. */
export function createDesks(shared: ClientParts, parts: DeskParts): Map<string | undefined, Desk> {
  const desks = new Map<string | undefined, Desk>([
    [undefined, { voice: new FrameVoice(parts.counts.encoded.of('canonical', 'frames')), parts: shared }]
  ])
  for (const [name, vocabulary] of parts.vocabularies) desks.set(name, createDesk(shared, vocabulary, parts))
  return desks
}

/** What such a client says in canonical words is understood too, so that it may sign in by `hello` and pull. */
function createDesk(
  shared: ClientParts,
  vocabulary: Vocabulary,
  { services, counts, config, onError }: DeskParts
): Desk {
  const { receipts, sessions } = services
  const pauseMs = config.timings.receiptPauseMs
  const framing = new FrameFraming(
    connection => new Arrivals(async () => await connection.confirm(), { receipts, sessions, pauseMs, onError }),
    counts.encoded.of(vocabulary.name, 'frames')
  )
  const catchUp = new CatchUp(services)
  const { commands } = vocabulary
  const dispatcher: ClientParts['dispatcher'] = {
    run: async (context, envelope) =>
      await (commands.types.includes(envelope.type) ? commands : shared.dispatcher).run(context, envelope)
  }
  return {
    voice: new VocabularyVoice(vocabulary, framing, onError),
    parts: {
      ...shared,
      dispatcher,
      catchUp: async (connection: SocketConnection, { cursors }) =>
        cursors === undefined && connection.actor !== undefined
          ? await catchUp.run(connection.actor, vocabulary, (spoken, event) =>
              framing.emitMissed(spoken, event, connection)
            )
          : new Map()
    }
  }
}

/** Which of the offered subprotocols is spoken here: `parley.v1`, or `parley.v1.<name>`. */
export function chooseSubprotocol(offered: Iterable<string>, names: readonly string[]): string | undefined {
  const known = [SUBPROTOCOL, ...names.map(name => `${SUBPROTOCOL}.${name}`)]
  return [...offered].map(name => name.trim()).find(name => known.includes(name))
}
