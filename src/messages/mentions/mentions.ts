import { bareId } from '../../../protocol/ids.ts'
import { MAX_MENTIONS, type MentionRange, type Message } from '../../../protocol/messages/entities.ts'
import type { Actor } from '../../actor.ts'
import { requireAdmin } from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { presentRange } from '../../present/content.ts'
import type { ConversationState } from '../../store/commit/draft.ts'
import type { MentionRangeDoc, MessageDoc } from '../../store/documents.ts'

/** Mentions as a client gives them. */
type GivenMentions = Pick<Message, 'mentions' | 'mentionRanges' | 'mentionsEveryone'>

/** Part of a text that mentions a person (24 hexadecimal digits), or everyone where it names nobody. */
interface Range {
  readonly offset: number
  readonly length: number
  readonly userId?: string
}

/** Whom a message mentions, members or not. */
export interface Mentions {
  /** People, 24 hexadecimal digits each, those of the ranges too. */
  readonly userIds: readonly string[]
  /** Ranges in the order of the text. */
  readonly ranges: readonly Range[]
  readonly everyone: boolean
}

/** Mentions as they are stored; what there is none of is absent. */
type StoredMentions = Pick<MessageDoc, 'mentions' | 'mentionRanges' | 'mentionsEveryone'>

/** No mentions. */
export const NOBODY: Mentions = { userIds: [], ranges: [], everyone: false }

/** Checks whom a text is to mention. @throws {AppError} `invalid` for ranges that do not fit it, and for too many people */
export function readMentions(given: GivenMentions, text: string | undefined): Mentions {
  const { mentions = [], mentionRanges = [] } = given
  if (mentions.length === 0 && mentionRanges.length === 0 && given.mentionsEveryone !== true) return NOBODY
  const ranges = readRanges(mentionRanges, text)
  const userIds = [...new Set([...mentions.map(bareId), ...ranges.flatMap(({ userId }) => userId ?? [])])]
  if (userIds.length > MAX_MENTIONS) throw new AppError('invalid', `At most ${MAX_MENTIONS} people are mentioned`)
  return { userIds, ranges, everyone: isEveryoneMentioned(given) }
}

/** Whether everyone is mentioned, with a place in the text or without. */
export function isEveryoneMentioned({ mentionRanges = [], mentionsEveryone = false }: GivenMentions): boolean {
  return mentionsEveryone || mentionRanges.some(({ everyone }) => everyone === true)
}

/**
 * Checks ranges of a text. @returns them in its order
 * @throws {AppError} `invalid` for those that are outside of it, cut a character in two, overlap, or do not say whom
 */
export function readRanges(given: readonly MentionRange[], text = ''): Range[] {
  const ranges = given.map(rangeOf).sort((a, b) => a.offset - b.offset)
  let end = 0
  for (const { offset, length } of ranges) {
    if (offset < end) throw badRange('must not overlap')
    end = offset + length
    if (end > text.length) throw badRange('must end within the text')
    if (!text.slice(offset, end).isWellFormed()) throw badRange('must be of whole characters')
  }
  return ranges
}

function rangeOf({ offset, length, userId, everyone = false }: MentionRange): Range {
  if ((userId !== undefined) === everyone) throw badRange('must name either a userId or everyone')
  return { offset, length, ...omitUndefined({ userId: userId && bareId(userId) }) }
}

function badRange(rule: string): AppError {
  return new AppError('invalid', `mentionRanges ${rule}`)
}

/**
 * Mentions of a new message of the actor: of its members alone.
 * @throws {AppError} `forbidden` where everyone is mentioned by who is no admin, `invalid` where there is no group
 */
export function newMentions(mentions: Mentions, state: ConversationState, actor: Actor): StoredMentions {
  if (mentions === NOBODY) return {}
  if (mentions.everyone) requireAdmin(state, actor)
  return storedMentions(membersAmong(mentions.userIds, state), rangesAmong(mentions.ranges, state), mentions.everyone)
}

/**
 * Mentions of a message after an edit. Ranges that it names take the place of all that was mentioned; without them the
 * others stay where they are not named, and the ranges where the text and those whom they mention are the same.
 * @throws {AppError} as `newMentions`, where everyone is mentioned who was not
 */
export function editedMentions(
  former: Readonly<Pick<MessageDoc, 'text' | keyof StoredMentions>>,
  edit: GivenMentions & { readonly text?: string },
  state: ConversationState,
  actor: Actor
): StoredMentions {
  const { mentions: formerOnes = [], mentionRanges: formerRanges = [], mentionsEveryone: wasEveryone = false } = former
  const { userIds, ranges, everyone: isNamed } = readMentions(edit, edit.text)
  const isAnew = (part: keyof GivenMentions) => edit.mentionRanges !== undefined || edit[part] !== undefined
  const everyone = isAnew('mentionsEveryone') ? isNamed : wasEveryone
  if (everyone && !wasEveryone) requireAdmin(state, actor)
  const mentions = isAnew('mentions') ? membersAmong(userIds, state) : formerOnes
  if (isAnew('mentionRanges')) return storedMentions(mentions, rangesAmong(ranges, state), everyone)
  const isMentioned = ({ userId }: MentionRangeDoc) =>
    userId === undefined ? everyone : mentions.some(it => it.equals(userId))
  const kept = former.text === edit.text ? formerRanges.filter(isMentioned) : []
  return storedMentions(mentions, kept, everyone)
}

/** Whether two messages mention the same. */
export function isSameMentions(one: StoredMentions, other: StoredMentions): boolean {
  return signOf(one) === signOf(other)
}

const signOf = ({ mentions = [], mentionRanges = [], mentionsEveryone = false }: StoredMentions): string =>
  JSON.stringify([mentions, mentionRanges.map(presentRange), mentionsEveryone])

function membersAmong(userIds: readonly string[], { members }: ConversationState): ObjectId[] {
  return userIds.filter(id => members.has(id)).map(id => new ObjectId(id))
}

function rangesAmong(ranges: readonly Range[], { members }: ConversationState): MentionRangeDoc[] {
  return ranges.filter(({ userId }) => userId === undefined || members.has(userId)).map(storedRange)
}

function storedMentions(mentions: ObjectId[], mentionRanges: MentionRangeDoc[], everyone: boolean): StoredMentions {
  return {
    ...(mentions.length > 0 && { mentions }),
    ...(mentionRanges.length > 0 && { mentionRanges }),
    ...(everyone && { mentionsEveryone: true })
  }
}

/** Range as it is stored. */
export function storedRange({ userId, ...range }: Range): MentionRangeDoc {
  return { ...range, ...omitUndefined({ userId: userId === undefined ? undefined : new ObjectId(userId) }) }
}
