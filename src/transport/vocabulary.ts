import type { Circle, Connection, Told, Voice } from './connection.ts'
import type { Dispatcher } from './dispatch.ts'

/** An event in the words of one vocabulary, and whom it is for. */
export interface Spoken {
  readonly name: string
  readonly data: unknown
  /** Whether this person (24 hexadecimal digits) is told; by default everybody who hears of the event. */
  readonly isFor?: (userId: string) => boolean
}

/** Says an event. Durable ones must be said at once, so that they stay in order; others may be looked up first. */
export type Say = (event: Told) => readonly Spoken[] | Promise<readonly Spoken[]>

/** The names and shapes that one kind of app uses on its socket. */
export interface Vocabulary {
  readonly name: string
  /** What its clients may say. */
  readonly commands: Dispatcher
  /** What they are told, by the canonical type of the event; anything else they do not hear. */
  readonly says: ReadonlyMap<string, Say>
  /** Whose presence its clients hear of without asking. */
  readonly watches: Circle
}

/** How one framing passes on what was said. */
export interface Framing {
  /** @param event what it is about; its data must not be sent */
  emit(spoken: Spoken, event: Told, connections: readonly Connection[]): void
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

  tell(event: Told, connections: readonly Connection[]): void {
    const said = this.vocabulary.says.get(event.type)?.(event)
    if (said === undefined) return
    if (said instanceof Promise) said.then(late => this.#emit(late, event, connections)).catch(this.#onError)
    else this.#emit(said, event, connections)
  }

  #emit(said: readonly Spoken[], event: Told, connections: readonly Connection[]): void {
    for (const spoken of said) {
      const { isFor } = spoken
      const hearers = isFor
        ? connections.filter(({ actor }) => actor !== undefined && isFor(actor.userId))
        : connections
      if (hearers.length > 0) this.#framing.emit(spoken, event, hearers)
    }
  }
}
