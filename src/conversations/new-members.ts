import { ConversationAdded } from '../../protocol/conversations/events.ts'
import { ObjectId } from '../database/object-id.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { presentView } from '../present/present.ts'
import type { AccountNews } from '../store/commit/draft.ts'
import type { ConversationDoc, MemberDoc } from '../store/documents.ts'

/** A membership that begins now: what was said before is seen only where the group says so. Ids are hexadecimal. */
export function newMember(
  doc: Readonly<ConversationDoc>,
  id: string,
  { joinedAt, role = 'member', addedBy }: { joinedAt: Date; role?: MemberDoc['role']; addedBy?: string }
): MemberDoc {
  const joinedSeq = doc.settings?.history === 'all' ? 0 : doc.seq
  const cursors = { joinedSeq, deliveredSeq: doc.seq, readSeq: doc.seq, clearedSeq: 0 }
  return {
    _id: new ObjectId(),
    conversationId: doc._id,
    userId: new ObjectId(id),
    rev: doc.rev,
    role,
    joinedAt,
    joinedRev: doc.rev,
    ...cursors,
    ...omitUndefined({ addedBy: addedBy === undefined ? undefined : new ObjectId(addedBy) })
  }
}

/** Tells people on their own streams that they are in a conversation now. */
export function addedNews(userIds: readonly ObjectId[]): AccountNews {
  return {
    userIds,
    create: (id, { doc, members }) => {
      const me = members.get(id)
      if (me === undefined) throw new Error('Only members are told of being added')
      return ConversationAdded.create(presentView(doc, me))
    }
  }
}
