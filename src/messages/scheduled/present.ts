import { bareId, prefixedId } from '../../../protocol/ids.ts'
import type { Attachment } from '../../../protocol/messages/entities.ts'
import type { ScheduledMessage } from '../../../protocol/messages/scheduled/entities.ts'
import { conversationId, messageId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fileLinks } from '../../present/file-links.ts'
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
    ...omitUndefined({ attachments: doc.content?.attachments?.map(it => withLinks(it, doc)) }),
    ...omitUndefined({ messageId: doc.messageId && messageId(doc.messageId), refusal: doc.refusal }),
    createdAt: doc.createdAt.toISOString()
  }
}

/** A file that is kept here has addresses that are good now; who scheduled the message has seen it where the old one says. */
function withLinks(attachment: Attachment, { userId }: ScheduledDoc): Attachment {
  const { url, previewUrl, thumbnailUrl } = attachment
  const renewed = (address: string) => fileLinks.renew(address, userId.toHexString())
  return {
    ...attachment,
    url: renewed(url),
    ...omitUndefined({
      previewUrl: previewUrl && renewed(previewUrl),
      thumbnailUrl: thumbnailUrl && renewed(thumbnailUrl)
    })
  }
}

/** Content as it is kept and shown: with its type, and with the prefixes of its ids. */
export function withPrefixes(content: NewContent): NewContent {
  const { type = 'text', mentions, mentionRanges, replyTo, contact, ...rest } = content
  return {
    type,
    ...rest,
    ...omitUndefined({
      mentions: mentions?.map(userId),
      mentionRanges: mentionRanges?.map(it => ({
        ...it,
        ...omitUndefined({ userId: it.userId && userId(it.userId) })
      })),
      replyTo: replyTo && prefixedId('msg', bareId(replyTo)),
      contact: contact && {
        ...contact,
        ...omitUndefined({ userId: contact.userId && userId(contact.userId) })
      }
    })
  }
}

const userId = (id: string): string => prefixedId('user', bareId(id))
