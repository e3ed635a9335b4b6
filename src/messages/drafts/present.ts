import type { DraftState, MessageDraft } from '../../../protocol/messages/drafts/entities.ts'
import type { ObjectId } from '../../database/object-id.ts'
import { conversationId, messageId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { presentRange } from '../../present/content.ts'
import type { MessageDraftDoc } from '../../store/documents.ts'
import type { PresentDraft } from './store.ts'

/** Stored draft → as it goes on the wire. */
export function presentDraft({ conversationId: id, content, changedAt }: PresentDraft): MessageDraft {
  const { text, encryptedContent, mentionRanges, replyTo } = content
  return {
    conversationId: conversationId(id),
    ...omitUndefined({
      text,
      encryptedContent,
      mentionRanges: mentionRanges?.map(presentRange),
      replyTo: replyTo && messageId(replyTo)
    }),
    changedAt: changedAt.toISOString()
  }
}

/** State of a conversation's draft: there, or not. */
export function presentState(id: ObjectId, row: Omit<MessageDraftDoc, '_id'> | null | undefined): DraftState {
  const isThere = (it: typeof row): it is PresentDraft => it?.content !== undefined
  return {
    conversationId: conversationId(id),
    ...omitUndefined({ draft: isThere(row) ? presentDraft(row) : undefined })
  }
}
