import type { MessageEditData } from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import type { Draft } from '../store/commit/draft.ts'
import type { MessageDoc } from '../store/documents.ts'
import { requireText, requireWellFormed } from '../text.ts'
import { editedMentions, isSameMentions, readMentions } from './mentions/mentions.ts'

/** Former texts that a message keeps. */
const MAX_EDITS = 20

/** Other content of a message, and who is mentioned in it where that changes too. */
export type Edit = Pick<
  MessageEditData,
  'text' | 'encryptedContent' | 'mentions' | 'mentionRanges' | 'mentionsEveryone'
>

/** Checks an edit by itself. @returns about how much it writes, bytes @throws {AppError} `invalid`, `too_large` */
export function requireEdit(edit: Edit, textBytes: number): number {
  const { text, encryptedContent } = edit
  if ((text === undefined) === (encryptedContent === undefined)) {
    throw new AppError('invalid', 'Give either text or encryptedContent')
  }
  if (text !== undefined) requireText(text, textBytes)
  if (encryptedContent !== undefined) requireWellFormed('encryptedContent', encryptedContent)
  const { ranges } = readMentions(edit, text)
  return `${text ?? ''}${encryptedContent ?? ''}`.length * 3 + ranges.length * 128 + 512
}

/** @throws {AppError} `forbidden` for what was forwarded: nobody puts words into another's mouth */
export function requireOwnWords({ forwarded }: Readonly<MessageDoc>): void {
  if (forwarded !== undefined) throw new AppError('forbidden', 'A forwarded message stays as it was said')
}

/**
 * The message as an edit makes it; the same one where that changes nothing. What is encrypted takes the place of a text,
 * and never the other way round.
 * @throws {AppError} `invalid` for a plain text in the place of what is encrypted, `forbidden` where its author may not
 * mention everyone
 */
export function withEdit(
  message: Readonly<MessageDoc>,
  edit: Edit,
  { now, state }: Draft,
  actor: Actor
): Readonly<MessageDoc> {
  const { text, encryptedContent } = edit
  const { text: formerText, encryptedContent: formerCipher, edits = [], ...others } = message
  const { mentions, mentionRanges, mentionsEveryone, ...rest } = others
  if (formerCipher !== undefined && text !== undefined) {
    throw new AppError('invalid', 'The message is encrypted: edit its encryptedContent')
  }
  const mentioned = editedMentions(message, edit, state, actor)
  const isSameContent = formerText === text && formerCipher === encryptedContent
  if (isSameContent && isSameMentions(message, mentioned)) return message
  const former = isSameContent ? [] : [{ text: formerText ?? '', at: now }]
  return {
    ...rest,
    ...omitUndefined({ text, encryptedContent }),
    ...mentioned,
    edits: [...edits, ...former].slice(-MAX_EDITS),
    editedAt: now
  }
}
