import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { ScheduledMessage } from '../../../protocol/messages/scheduled/entities.ts'
import { conversationId, messageId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { NewContent } from '../content.ts'
import type { ScheduledDoc } from './store.ts'

/** Stored scheduled message → as it goes on the wire. */
export function presentScheduled(doc: ScheduledDoc): ScheduledMessage {
  return {
    id: prefixedId('sch', doc._id.toHexString()),
    conversationId: conversationId(doc.conversationId),
    clientId: doc.clientId,
    status: doc.status,
    sendAt: doc.sendAt.toISOString(),
    ...doc.content,
    ...omitUndefined({ messageId: doc.messageId && messageId(doc.messageId), refusal: doc.refusal }),
    createdAt: doc.createdAt.toISOString()
  }
}

/** Content as it is kept and shown: with its type, and with the prefixes of its ids. */
export function withPrefixes({ type = 'text', mentions, replyTo, contact, ...rest }: NewContent): NewContent {
  return {
    type,
    ...rest,
    ...omitUndefined({
      mentions: mentions?.map(id => prefixedId('user', bareId(id))),
      replyTo: replyTo && prefixedId('msg', bareId(replyTo)),
      contact: contact && {
        ...contact,
        ...omitUndefined({ userId: contact.userId && prefixedId('user', bareId(contact.userId)) })
      }
    })
  }
}
