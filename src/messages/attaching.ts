import type { Actor } from '../actor.ts'
import { AppError } from '../errors.ts'
import { fileLinks } from '../present/file-links.ts'
import type { AttachmentDoc } from '../store/documents.ts'

/** Files that people have uploaded. */
export interface FilesPort {
  /**
   * Attachments as they are stored.
   * @param until moment until which their files stay though no message has them; now unless told
   * @throws {AppError} `not_found` for files that the actor may not read
   */
  attach(actor: Actor, attachments: readonly AttachmentDoc[], until?: Date): Promise<AttachmentDoc[]>
}

/** Attachments as they are stored, or why they are refused: a repeat of a send is answered all the same. */
type Attached = AttachmentDoc[] | AppError | undefined

/** Looks up the files of messages on their way, and keeps the messages of each person in their order meanwhile. */
export class Attaching {
  readonly #files: FilesPort
  /** Last look-up of each person that is not done. */
  readonly #last = new Map<string, Promise<unknown>>()

  constructor(files: FilesPort) {
    this.#files = files
  }

  /** @returns nothing where there is nothing to wait for: most messages are text and nothing else */
  attach(actor: Actor, attachments: readonly AttachmentDoc[] | undefined): Promise<Attached> | undefined {
    const before = this.#last.get(actor.userId)
    const isKept = attachments?.some(({ url, fileId }) => fileId !== undefined || (url && fileLinks.fileIdIn(url)))
    if (isKept !== true && before === undefined) return undefined
    const attached = (before ?? Promise.resolve()).then(async () =>
      isKept === true ? await this.#attach(actor, attachments ?? []) : undefined
    )
    const last = attached
      .catch(() => undefined)
      .then(() => {
        if (this.#last.get(actor.userId) === last) this.#last.delete(actor.userId)
      })
    this.#last.set(actor.userId, last)
    return attached
  }

  async #attach(actor: Actor, attachments: readonly AttachmentDoc[]): Promise<Attached> {
    return await this.#files.attach(actor, attachments).catch((error: unknown) => {
      if (error instanceof AppError) return error
      throw error
    })
  }
}
