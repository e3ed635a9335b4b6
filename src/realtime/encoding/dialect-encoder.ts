import type { EventData, EventType } from '../../../protocol/index.ts'
import type { Dispatcher } from '../commands/dispatcher.ts'
import type { Connection, Encoder, EventContext, OutboundEvent, PresenceScope } from '../connection.ts'

/** An event in the words of a dialect, and whom it is for. */
export interface DialectEvent {
  readonly name: string
  readonly data: unknown
  /** Whether this person (24 hexadecimal digits) is told; by default everybody who hears of the event. */
  readonly isFor?: (userId: string) => boolean
}

type Translated = readonly DialectEvent[] | Promise<readonly DialectEvent[]>

/**
 * Translates events of one type. Durable ones must be translated at once, so that they stay in order; others may be
 * looked up first.
 */
export type TranslateEvent<Type extends EventType> = (data: EventData[Type], context: EventContext) => Translated

/** A translation for each event that the apps of a dialect know; they do not hear of any other. */
export type Translations = { readonly [Type in EventType]?: TranslateEvent<Type> }

/** The query of a handshake, as far as it is text. */
export type HandshakeQuery = Readonly<Record<string, unknown>>

/** The live half of a dialect: the commands and events that one kind of app knows, and how its clients are told apart. */
export interface RealtimeDialect {
  readonly name: string
  readonly commands: Dispatcher
  readonly translations: Translations
  /** People whose presence its clients are sent unasked. */
  readonly presenceScope: PresenceScope
  /** Socket.io namespaces that mean this dialect, beside the one of its name. */
  readonly namespaces?: readonly string[]
  /** Whether a socket.io client in the main namespace that names no dialect is of this kind. */
  meansQuery?(query: HandshakeQuery): boolean
}

/** Translates an event. @returns undefined for an event that the dialect does not know */
export function translate(translations: Translations, { event, ...context }: OutboundEvent): Translated | undefined {
  return translateData(translations, event.type, event.data, context)
}

function translateData<Type extends EventType>(
  translations: Translations,
  type: Type,
  data: EventData[Type],
  context: EventContext
): Translated | undefined {
  return translations[type]?.(data, context)
}

/** Translates an event for one person. */
export async function translateFor(
  userId: string,
  translations: Translations,
  outbound: OutboundEvent
): Promise<DialectEvent[]> {
  const translated = (await translate(translations, outbound)) ?? []
  return translated.filter(({ isFor }) => isFor === undefined || isFor(userId))
}

/** Writes events of a dialect in one framing. */
export interface EventWriter {
  /** @param outbound the event that was translated; its own data must not be sent */
  write(translated: DialectEvent, outbound: OutboundEvent, connections: readonly Connection[]): void
}

/** A dialect in one framing: each event is translated and encoded once, for all who hear it. */
export class DialectEncoder implements Encoder {
  readonly presenceScope: PresenceScope
  readonly #translations: Translations
  readonly #writer: EventWriter
  readonly #onError: (error: unknown) => void

  constructor(
    { translations, presenceScope }: RealtimeDialect,
    writer: EventWriter,
    onError: (error: unknown) => void
  ) {
    this.presenceScope = presenceScope
    this.#translations = translations
    this.#writer = writer
    this.#onError = onError
  }

  send(outbound: OutboundEvent, connections: readonly Connection[]): void {
    const translated = translate(this.#translations, outbound)
    if (translated === undefined) return
    if (translated instanceof Promise) {
      translated.then(late => this.#write(late, outbound, connections)).catch(this.#onError)
    } else this.#write(translated, outbound, connections)
  }

  #write(events: readonly DialectEvent[], outbound: OutboundEvent, connections: readonly Connection[]): void {
    for (const event of events) {
      const { isFor } = event
      const recipients = isFor
        ? connections.filter(({ actor }) => actor !== undefined && isFor(actor.userId))
        : connections
      if (recipients.length > 0) this.#writer.write(event, outbound, recipients)
    }
  }
}
