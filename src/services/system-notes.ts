import { MessageNew } from '../../protocol/events/message.ts'
import { type Draft, ObjectId, type SystemNoteDoc } from '../store/index.ts'
import type { Actor } from './actor.ts'
import { presentMessage } from './present.ts'

/** People that a note names. */
const NAMED = 20

/** What is recorded of a change; ids are 24 hexadecimal digits. */
export interface Note extends Omit<SystemNoteDoc, 'userIds' | 'userCount'> {
  userIds?: readonly string[]
}

/** Records a change of a group in its history: a message of type `system`, committed together with the change. */
export function appendNote(draft: Draft, actor: Actor, note: Note): void {
  const message = draft.append({
    senderId: new ObjectId(actor.userId),
    type: 'system',
    bodyHash: '',
    system: noteDoc(note)
  })
  draft.emit(MessageNew, () => presentMessage(message), { seq: message.seq })
}

/** The note as it is stored. */
export function noteDoc({ userIds, ...note }: Note): SystemNoteDoc {
  if (userIds === undefined || userIds.length === 0) return note
  return { ...note, userIds: userIds.slice(0, NAMED).map(id => new ObjectId(id)), userCount: userIds.length }
}
