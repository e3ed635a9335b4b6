import { stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { bareId } from '../../protocol/ids.ts'
import type { File } from '../../protocol/media/entities.ts'
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import type { FormPart } from '../contract/route.ts'
import type { DatabaseClock } from '../database/index.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import type { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { FileLinks } from '../present/file-links.ts'
import type { AttachmentDoc, PictureDoc } from '../store/documents.ts'
import { noSuchFile } from '../store/missing.ts'
import type { FileAccess } from './access.ts'
import { contentTypeOf } from './content-type.ts'
import { type FileKeeping, UNUSED_MS } from './keeping.ts'
import { readSmallPicture } from './pictures.ts'
import { MEBIBYTE, plainName, receive, type Staging } from './receive.ts'
import type { FileDoc, FileStore } from './store.ts'

/** Longest time from the look at the files of a message until it is there, ms. */
const SENDING_MS = 3_600_000
/** Owner of what the server has fetched. */
const NOBODY = new ObjectId('0'.repeat(24))

interface FileServiceDeps {
  readonly store: { readonly files: FileStore }
  readonly keeping: FileKeeping
  /** Uploads at once, which take turns by person. */
  readonly gate: FairGate
  readonly staging: Staging
  readonly access: FileAccess
  readonly links: FileLinks
  readonly clock: DatabaseClock
  readonly config: Pick<Config, 'limits'>
}

/** Files: receiving them, and bringing them into messages. */
export class FileService {
  readonly #deps: FileServiceDeps

  constructor(deps: FileServiceDeps) {
    this.#deps = deps
  }

  /**
   * Keeps the file of a form for its owner, once the whole form is there, its parts in whichever order they come. What
   * nobody has used after a day is removed.
   * @param readFields reads the other fields, and throws for what is not taken; nothing is kept then
   * @throws {AppError} `too_large`, `invalid`, `bad_frame`, `quota_reached`, `busy` where there is no room
   */
  async upload<Fields>(
    actor: Actor,
    form: AsyncIterable<FormPart>,
    readFields: (fields: Readonly<Record<string, string>>) => Fields
  ): Promise<{ file: File; fields: Fields }> {
    const { staging, config, gate } = this.#deps
    return await gate.run(
      { party: actor.userId },
      async () =>
        await staging.within(async path => {
          const texts: Record<string, string> = {}
          let fileName: string | undefined
          for await (const part of form) {
            if (part.bytes === undefined) texts[part.name] = part.value
            else {
              await receive(part.bytes, path, config.limits.fileMebibytes)
              fileName = plainName(part.fileName)
            }
          }
          if (fileName === undefined) throw new AppError('invalid', 'There is no file in the form')
          const fields = readFields(texts)
          return { file: await this.#keep(actor, path, fileName), fields }
        })
    )
  }

  /** @throws {AppError} `not_found` for what is missing, or somebody else's */
  async find(actor: Actor, id: string): Promise<File> {
    const [file] = await this.#deps.store.files.findStored([new ObjectId(bareId(id))])
    if (file?.ownerId.equals(actor.userId) !== true) throw noSuchFile()
    return this.#deps.keeping.present(file)
  }

  /**
   * Attachments as they are stored: of those that are addresses of this server the server says what they are. Those of
   * a message that is forwarded name their file already.
   * @param until moment until which their files stay though no message has them; now unless told
   * @throws {AppError} `not_found` for files that the actor may not read
   */
  async attach(actor: Actor, attachments: readonly AttachmentDoc[], until?: Date): Promise<AttachmentDoc[]> {
    const { links, store, access } = this.#deps
    const ids = attachments.map(({ url, fileId }) => fileId?.toHexString() ?? (url && links.fileIdIn(url)))
    const wanted = [...new Set(ids.flatMap(id => id ?? []))].map(id => new ObjectId(id))
    if (wanted.length === 0) return [...attachments]
    const files = new Map((await store.files.findStored(wanted)).map(file => [file._id.toHexString(), file]))
    if (files.size < wanted.length) throw noSuchFile()
    for (const [index, { url }] of attachments.entries()) {
      const file = files.get(ids[index] ?? '')
      if (file !== undefined && url !== undefined) await access.require(actor, file, url)
    }
    await this.#hold([...files.values()])
    if (until !== undefined) await store.files.keepUntil(wanted, new Date(until.getTime() + UNUSED_MS))
    return attachments.map((attachment, index) => {
      const file = files.get(ids[index] ?? '')
      return file === undefined || attachment.fileId !== undefined ? attachment : attachmentOf(attachment, file)
    })
  }

  /** Keeps files from being removed before the message is there that is about to have them. @throws {AppError} `not_found` */
  async #hold(files: readonly FileDoc[]): Promise<void> {
    const { store, clock } = this.#deps
    const now = clock.now()
    const isHeld = ({ checkAt }: FileDoc) => checkAt === undefined || checkAt.getTime() > now + SENDING_MS
    const short = files.filter(file => !isHeld(file)).map(({ _id }) => _id)
    if (short.length === 0) return
    await store.files.hold(short, new Date(now + UNUSED_MS))
    // What was about to be looked at may be gone by now.
    if ((await store.files.findStored(short)).length < short.length) throw noSuchFile()
  }

  /**
   * Keeps a picture that the server has fetched, as a smaller one. It belongs to nobody, and counts with all such
   * pictures; what no message has after a day is removed.
   * @throws {AppError} `too_large`, `invalid` for what is no picture, `bad_frame`, `quota_reached`, `busy`
   */
  async keepPicture(bytes: Readable, maxMebibytes: number): Promise<PictureDoc> {
    const { staging, keeping, config } = this.#deps
    return await staging.within(async path => {
      await receive(bytes, path, maxMebibytes)
      await keeping.scan(path, NOBODY.toHexString())
      if ((await contentTypeOf(path)).kind !== 'image') throw new AppError('invalid', 'It is no picture')
      const { paths, variants, ...facts } = await readSmallPicture(path, NOBODY.toHexString())
      const file: FileDoc = {
        ...{ _id: new ObjectId(), ownerId: NOBODY, state: 'storing', kind: 'image' },
        ...{ mimeType: 'image/webp', name: 'picture.webp', ...facts },
        variants: omitUndefined({ thumbnail: variants.thumbnail }),
        bytes: (await stat(paths.preview)).size,
        ...keeping.times()
      }
      const quota = config.limits.previewPicturesMebibytes * MEBIBYTE
      await keeping.add(file, { original: paths.preview, thumbnail: paths.thumbnail }, quota)
      return { fileId: file._id, ...facts }
    })
  }

  async #keep(actor: Actor, path: string, name: string): Promise<File> {
    const { keeping } = this.#deps
    const { facts, paths } = await keeping.examine(path, actor.userId)
    const file: FileDoc = {
      ...{ _id: new ObjectId(), ownerId: new ObjectId(actor.userId), state: 'storing', name },
      ...{ ...facts, ...keeping.times() }
    }
    await keeping.add(file, paths)
    return keeping.present(file)
  }
}

/** Attachment of a file: the server's knowledge of it goes before what the client says. */
function attachmentOf({ type, durationSeconds, waveform }: AttachmentDoc, file: FileDoc): AttachmentDoc {
  const { kind, name, bytes, mimeType, width, height, thumbhash, variants } = file
  const isVoice = type === 'voice' && (kind === 'audio' || kind === 'video')
  if (type !== 'file' && type !== kind && !isVoice) throw new AppError('invalid', `The file is no ${type}`)
  const isSound = kind === 'audio' || isVoice
  const said = { durationSeconds, ...(isSound ? { waveform } : {}) }
  const heard = omitUndefined({ durationSeconds: file.durationSeconds, waveform: isSound ? file.waveform : undefined })
  return {
    type,
    fileId: file._id,
    ...{ fileName: name, fileSize: bytes, mimeType },
    hasPictures: variants.preview !== undefined && variants.thumbnail !== undefined,
    ...omitUndefined({ width, height, thumbhash, ...(isSound || kind === 'video' ? said : {}), ...heard })
  }
}
