import type { ConversationEvent } from '../../../protocol/index.ts'
import { MessageDeleted, MessageEdited, MessageNew } from '../../../protocol/messages/events.ts'
import { ReactionAdded } from '../../../protocol/reactions/events.ts'
import { userId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { presentMessage, type Reader } from '../../present/present.ts'
import type { AnsweredMessage, MessageDoc, ReactionDoc } from '../../store/documents.ts'
import type { Missed, MissedItem } from '../../streams/positions.ts'

/**
 * The events of a message that a client is not known to have, as it is now; of a deleted one only its place is left. What
 * has changed since it was sent is told too: the client may have got it just before its connection died.
 */
export function newEvents(
  message: MessageDoc,
  answered: AnsweredMessage | undefined,
  reader: Reader
): ConversationEvent[] {
  const sent = MessageNew.create(presentMessage(message, answered, reader))
  const isUnchanged = message.rev === message.createdRev && message.deletedAt === undefined
  return isUnchanged ? [sent] : [sent, ...changedEvents(message, answered, reader)]
}

/**
 * The events of a message that a client has and that has changed since: what it is now, and the last reaction, for apps
 * that hear of reactions by an event of their own.
 */
export function changedEvents(
  message: MessageDoc,
  answered: AnsweredMessage | undefined,
  reader: Reader
): ConversationEvent[] {
  const data = presentMessage(message, answered, reader)
  if (message.deletedAt !== undefined) return [MessageDeleted.create(data)]
  const reaction = lastReaction(message)
  const edited = MessageEdited.create(data)
  return reaction === undefined ? [edited] : [edited, ReactionAdded.create({ message: data, ...reaction })]
}

/** Items of events that belong together: the position is reached with the last. */
export function* itemsOf(
  events: readonly ConversationEvent[],
  about: Omit<Missed, 'event'>,
  reached?: MissedItem['reached']
): Generator<MissedItem> {
  for (const [index, event] of events.entries()) {
    const isLast = index === events.length - 1
    yield { missed: { event, ...about }, ...omitUndefined({ reached: isLast ? reached : undefined }) }
  }
  if (events.length === 0 && reached !== undefined) yield { reached }
}

function lastReaction({ reactions = [] }: MessageDoc): { userId: string; emoji: string } | undefined {
  const timeOf = ({ at }: ReactionDoc): number => at.at(-1)?.getTime() ?? 0
  const [last] = [...reactions].sort((a, b) => timeOf(b) - timeOf(a))
  const by = last?.userIds.at(-1)
  return last === undefined || by === undefined ? undefined : { userId: userId(by), emoji: last.emoji }
}
