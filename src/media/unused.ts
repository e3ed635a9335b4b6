import type { DatabaseClock } from '../database/index.ts'
import type { BlobStore } from './storage/index.ts'
import { type FileDoc, type FileStore, keysOf } from './store.ts'
import type { FileUses } from './uses/store.ts'

/** Files that are looked at in one go. */
const BATCH = 100
/** Time after which one that could not be removed is looked at again, ms. */
const LATER_MS = 3_600_000

interface UnusedFilesDeps {
  readonly store: { readonly files: FileStore; readonly fileUses: FileUses }
  readonly storage: BlobStore
  readonly clock: DatabaseClock
  readonly onError: (error: unknown) => void
}

/** Removes files that no message has, and gives their owners the room back. */
export class UnusedFiles {
  readonly #deps: UnusedFilesDeps

  constructor(deps: UnusedFilesDeps) {
    this.#deps = deps
  }

  /**
   * Looks at the files that are due: after a day without a use, and after a message that had them was
   * deleted.
   * @param signal ends it, between two files
   */
  async remove(signal?: AbortSignal): Promise<void> {
    const { store, clock } = this.#deps
    for (;;) {
      const due = await store.files.findDue(new Date(clock.now()), BATCH)
      for (const file of due) {
        if (signal?.aborted === true) return
        await this.#look(file).catch(async error => await this.#passOver(file, error))
      }
      if (due.length < BATCH) return
    }
  }

  /** Puts off what cannot be removed now, so that it keeps nothing else from it. */
  async #passOver({ _id }: FileDoc, error: unknown): Promise<void> {
    const { store, clock, onError } = this.#deps
    onError(error)
    await store.files.lookAt(_id, new Date(clock.now() + LATER_MS))
  }

  /** First nobody can use it any more, then it is asked whether anybody does. */
  async #look(file: FileDoc): Promise<void> {
    const { store, storage } = this.#deps
    if (!(await store.files.beginRemoval(file))) return
    if (await store.fileUses.isUsed(file._id)) return await store.files.keep(file)
    // The bytes first: the row tells where they are.
    await storage.remove(keysOf(file))
    await store.files.remove(file)
  }
}
