import type { Collection, Db } from 'mongodb'
import type { DatabaseClock } from '../../database/index.ts'
import type { MessageDoc } from '../../store/documents.ts'

/** A message of which it is to be looked whether its first link has a preview. */
export type DuePreview = Pick<MessageDoc, '_id' | 'conversationId' | 'senderId' | 'text' | 'preview'> &
  Required<Pick<MessageDoc, 'previewDueAt'>>

const FIELDS = { conversationId: 1, senderId: 1, text: 1, preview: 1, previewDueAt: 1 } as const

/** Messages that wait for their preview, as they are stored; it is the commit that gives them one. */
export class DuePreviewStore {
  readonly #messages: Collection<MessageDoc>
  readonly #clock: DatabaseClock

  constructor(db: Db, clock: DatabaseClock) {
    this.#messages = db.collection('messages')
    this.#clock = clock
  }

  /** Messages that are due and not over, but for these, the longest due first. */
  async find(limit: number, except: readonly MessageDoc['_id'][]): Promise<DuePreview[]> {
    const now = new Date(this.#clock.now())
    const filter = { previewDueAt: { $lte: now }, _id: { $nin: [...except] }, $nor: [{ expiresAt: { $lte: now } }] }
    return await this.#messages
      .find<DuePreview>(filter, { projection: FIELDS })
      .sort({ previewDueAt: 1, _id: 1 })
      .limit(limit)
      .toArray()
  }

  /** Says that it was looked; without effect where the text was edited meanwhile. */
  async finish({ _id, previewDueAt }: DuePreview): Promise<void> {
    await this.#messages.updateOne({ _id, previewDueAt }, { $unset: { previewDueAt: true } })
  }

  /** Puts the look off. */
  async putOff({ _id, previewDueAt }: DuePreview, ms: number): Promise<void> {
    const later = new Date(this.#clock.now() + ms)
    await this.#messages.updateOne({ _id, previewDueAt }, { $set: { previewDueAt: later } })
  }
}
