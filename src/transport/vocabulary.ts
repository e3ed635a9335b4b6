import type { EventData, EventType } from '../../protocol/index.ts'
import type { Circle, Connection, EventContext, OutboundEvent, Voice } from './connection.ts'
import type { Dispatcher } from './dispatch.ts'

/** An event in the words of one vocabulary, and whom it is for. */
export interface Spoken {
  readonly name: string
  readonly data: unknown
  /** Whether this person (24 hexadecimal digits) is told; by default everybody who hears of the event. */
  readonly isFor?: (userId: string) => boolean
}

type Translated = readonly Spoken[] | Promise<readonly Spoken[]>

/**
 * Translates events of one type. Durable ones must be translated at once, so that they stay in order; others may be
 * looked up first.
 */
export type TranslateEvent<Type extends EventType> = (data: EventData[Type], context: EventContext) => Translated

/** A translation for each event that the apps of a vocabulary know; they do not hear of any other. */
export type Translations = { readonly [Type in EventType]?: TranslateEvent<Type> }

/** The names and shapes that one kind of app uses on its socket. */
export interface Vocabulary {
  readonly name: string
  /** What its clients may say. */
  readonly commands: Dispatcher
  readonly translations: Translations
  /** Whose presence its clients hear of without asking. */
  readonly watches: Circle
}

/** Translates an event. @returns undefined for an event that the vocabulary does not know */
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

/** How one framing passes on what was said. */
export interface Framing {
  /** @param outbound what it is about; its data must not be sent */
  emit(spoken: Spoken, outbound: OutboundEvent, connections: readonly Connection[]): void
}

/** A vocabulary in one framing: each event is put into words and encoded once, for all who hear it. */
export class VocabularyVoice implements Voice {
  readonly vocabulary: Vocabulary
  readonly watches: Circle
  readonly #framing: Framing
  readonly #onError: (error: unknown) => void

  constructor(vocabulary: Vocabulary, framing: Framing, onError: (error: unknown) => void) {
    this.vocabulary = vocabulary
    this.watches = vocabulary.watches
    this.#framing = framing
    this.#onError = onError
  }

  tell(outbound: OutboundEvent, connections: readonly Connection[]): void {
    const said = translate(this.vocabulary.translations, outbound)
    if (said === undefined) return
    if (said instanceof Promise) said.then(late => this.#emit(late, outbound, connections)).catch(this.#onError)
    else this.#emit(said, outbound, connections)
  }

  #emit(said: readonly Spoken[], outbound: OutboundEvent, connections: readonly Connection[]): void {
    for (const spoken of said) {
      const { isFor } = spoken
      const hearers = isFor
        ? connections.filter(({ actor }) => actor !== undefined && isFor(actor.userId))
        : connections
      if (hearers.length > 0) this.#framing.emit(spoken, outbound, hearers)
    }
  }
}
