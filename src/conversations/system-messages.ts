import { MessageNew } from '../../protocol/messages/events.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentMessage } from '../present/present.ts'
import type { Draft } from '../store/commit/draft.ts'
import type { ConversationDoc, MessageDoc, SystemNoteDoc } from '../store/documents.ts'

/** People that a note names. */
const NAMED = 20

/** Record of a change; ids are 24 hexadecimal digits. */
export interface Note extends Omit<SystemNoteDoc, 'userIds' | 'userCount'> {
  userIds?: readonly string[]
}

/** The note of what changed of a group; the name above all. */
export function changeNote(before: Readonly<ConversationDoc>, after: Readonly<ConversationDoc>): Note {
  if (after.name !== before.name) return { kind: 'renamed', ...omitUndefined({ name: after.name }) }
  return { kind: after.settings === before.settings ? 'changed' : 'settings' }
}

/** Records a change of a conversation in its history: a message of type `system`, committed together with the change. */
export function appendSystemMessage(draft: Draft, actor: Actor, note: Note): void {
  const message = draft.append({
    senderId: new ObjectId(actor.userId),
    type: 'system',
    bodyHash: '',
    system: systemNoteDoc(note)
  })
  draft.emit(MessageNew, () => presentMessage(message), { seq: message.seq })
}

/** The note as it is stored. */
function systemNoteDoc({ userIds, ...note }: Note): SystemNoteDoc {
  if (userIds === undefined || userIds.length === 0) return note
  return { ...note, userIds: userIds.slice(0, NAMED).map(id => new ObjectId(id)), userCount: userIds.length }
}

/** The message that records how a group began, before the group is stored: change 2, message 1. */
export function firstNote(doc: ConversationDoc, actorId: string, note: Note): MessageDoc {
  doc.rev += 1
  doc.seq += 1
  return {
    _id: new ObjectId(),
    conversationId: doc._id,
    seq: doc.seq,
    rev: doc.rev,
    createdRev: doc.rev,
    senderId: new ObjectId(actorId),
    type: 'system',
    bodyHash: '',
    createdAt: doc.createdAt,
    system: systemNoteDoc(note)
  }
}
