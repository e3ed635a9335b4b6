import { bareId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import type { FileLinks } from '../present/file-links.ts'
import { noSuchFile } from '../store/missing.ts'
import { pictureOf } from '../store/pictures.ts'
import { UNUSED_MS } from './keeping.ts'
import type { FileStore } from './store.ts'
import type { FileUses } from './uses/store.ts'

interface PictureClaimDeps {
  readonly files: FileStore
  readonly fileUses: FileUses
  readonly links: FileLinks
  readonly clock: DatabaseClock
}

/** Brings files that are kept here into profiles and groups, as their pictures. */
export class PictureClaims {
  readonly #deps: PictureClaimDeps

  constructor(deps: PictureClaimDeps) {
    this.#deps = deps
  }

  /**
   * Changes of a person or a group, with the picture as it is stored. One's own file becomes a picture; the address of
   * the picture that a group has already, by whomever, stays it; what is elsewhere stays what it is.
   * @param groupId of a group that is there already
   * @throws {AppError} `not_found` for somebody else's file, `invalid` for one that is no picture
   */
  async claim<Changes extends { readonly avatarUrl?: string }>(
    actor: Actor,
    changes: Changes,
    groupId?: string
  ): Promise<Changes> {
    const { files, fileUses, links, clock } = this.#deps
    const hex = changes.avatarUrl === undefined ? undefined : links.fileIdIn(changes.avatarUrl)
    if (hex === undefined) return changes
    const id = new ObjectId(hex)
    const [file] = await files.findStored([id])
    if (file === undefined) throw noSuchFile()
    const isOwn = file.ownerId.equals(actor.userId)
    if (!isOwn && (groupId === undefined || !(await fileUses.isGroupPicture(id, new ObjectId(bareId(groupId))))))
      throw noSuchFile()
    if (file.kind !== 'image') throw new AppError('invalid', 'The file is no picture')
    // From here on it is not removed before it is a picture, unless it is already gone.
    await files.hold([id], new Date(clock.now() + UNUSED_MS))
    if (!(await files.isStored(id))) throw noSuchFile()
    return { ...changes, avatarUrl: pictureOf(id) }
  }
}
