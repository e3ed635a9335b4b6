import type { Actor } from '../actor.ts'
import { AppError } from '../errors.ts'
import type { AttachmentDoc } from '../store/documents.ts'

/** Files that people have uploaded. */
export interface FilesPort {
  /** Attachments as they are stored. @throws {AppError} `not_found` for files that the actor may not read */
  attach(actor: Actor, attachments: readonly AttachmentDoc[]): Promise<AttachmentDoc[]>
}

/** Attachments as they are stored, or why they are refused: a repeat of a send is answered all the same. */
export async function attach(
  files: FilesPort,
  actor: Actor,
  attachments: readonly AttachmentDoc[] | undefined
): Promise<AttachmentDoc[] | AppError | undefined> {
  if (attachments === undefined) return undefined
  return await files.attach(actor, attachments).catch((error: unknown) => {
    if (error instanceof AppError) return error
    throw error
  })
}
