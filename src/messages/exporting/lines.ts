import type { Member } from '../../../protocol/conversations/entities.ts'
import type { Message } from '../../../protocol/messages/entities.ts'
import type { User } from '../../../protocol/users/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { presentConversation } from '../../present/present.ts'
import type { AttachmentDoc, ConversationDoc, MessageDoc } from '../../store/documents.ts'
import { fileOfPicture } from '../../store/pictures.ts'

/** Characters of a name of a file that mean something to some system. */
const UNSAFE = /[^\p{L}\p{N}\p{M}._ -]/gu
/** The last so many units of a name, so that it keeps its ending and is short in bytes too. */
const MAX_NAME_LENGTH = 60

/** Line of the conversation; the address of a picture that is kept here would end, and opens it for whoever has it. */
export function conversationLine(doc: ConversationDoc): object {
  const { avatarUrl, ...conversation } = presentConversation(doc)
  const shown = fileOfPicture(doc.avatarUrl) === undefined ? avatarUrl : undefined
  return { type: 'conversation', conversation: { ...conversation, ...omitUndefined({ avatarUrl: shown }) } }
}

/** Line of a member, with their name as far as the reader sees it. */
export function memberLine(member: Member, user: User | undefined): object {
  return { type: 'member', member, ...omitUndefined({ displayName: user?.displayName }) }
}

/**
 * Line of a message: as it is presented, but of its files that are kept here the names in the archive are in the place
 * of their addresses, which end, and the picture of its preview is not there.
 * @param nameOf name of a file that is in the archive
 */
export function messageLine(
  message: Message,
  { attachments: stored = [] }: MessageDoc,
  nameOf: (attachment: AttachmentDoc) => string | undefined
): object {
  const attachments = message.attachments?.map((attachment, index) => {
    const doc = stored[index]
    if (doc?.fileId === undefined) return attachment
    const { url: _, previewUrl: __, thumbnailUrl: ___, ...rest } = attachment
    return { ...rest, ...omitUndefined({ file: nameOf(doc) }) }
  })
  const { picture: _, ...preview } = message.preview ?? {}
  const shown = omitUndefined({ attachments, preview: message.preview && preview })
  return { type: 'message', message: { ...message, ...shown } }
}

/** Name of a file in an archive: another one for each, in one folder, and nothing that means something anywhere. */
export function entryNameOf(id: string, fileName = ''): string {
  const plain = fileName
    .normalize('NFC')
    .replace(UNSAFE, '_')
    .slice(-MAX_NAME_LENGTH)
    .replace(/^[\udc00-\udfff]/, '')
    .replace(/[. ]+$/, '')
  return plain === '' ? `files/${id}` : `files/${id}-${plain}`
}
