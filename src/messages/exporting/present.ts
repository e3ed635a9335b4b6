import { prefixedId } from '../../../protocol/ids.ts'
import type { Export } from '../../../protocol/messages/exports/entities.ts'
import { conversationId } from '../../ids.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fileLinks } from '../../present/file-links.ts'
import type { ExportDoc } from './store.ts'

/** Stored export → as it goes on the wire. */
export function presentExport(doc: ExportDoc): Export {
  const { _id, status, writtenCount, messageCount, refusal, createdAt, expiresAt } = doc
  return {
    id: prefixedId('exp', _id.toHexString()),
    conversationId: conversationId(doc.conversationId),
    status,
    writtenCount,
    messageCount,
    ...archiveOf(doc),
    ...omitUndefined({ refusal }),
    createdAt: createdAt.toISOString(),
    ...omitUndefined({ expiresAt: expiresAt?.toISOString() })
  }
}

function archiveOf({ status, userId, fileId, archive }: ExportDoc): Pick<Export, 'url' | 'fileName' | 'fileSize'> {
  if (status !== 'done' || fileId === undefined || archive === undefined) return {}
  const url = fileLinks.to(fileId.toHexString(), 'original', { userId: userId.toHexString() })
  return { url, fileName: archive.name, fileSize: archive.bytes }
}
