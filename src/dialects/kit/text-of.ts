import type { Attachment, Message } from '../../../protocol/messages/entities.ts'

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  created: 'The group was created',
  added: 'Members were added',
  removed: 'A member was removed',
  left: 'A member left',
  role: 'A role was changed',
  renamed: 'The group has a new name',
  changed: 'The group was changed',
  settings: 'The settings were changed',
  expiry: 'The time after which messages disappear was changed',
  pinned: 'A message was pinned'
}

const FILE_WORDS: Readonly<Record<Attachment['type'], string>> = {
  image: 'Picture',
  video: 'Video',
  audio: 'Audio',
  voice: 'Voice message',
  file: 'File'
}

/** Text of a message, for apps that show nothing else: a file has its kind, and its name where that says something. */
export function shownTextOf(message: Message): string {
  const [file] = message.attachments ?? []
  const text = textOf(message)
  if (text !== '' || file === undefined) return text
  const words = FILE_WORDS[file.type]
  return file.type === 'file' && file.fileName !== undefined ? `${words}: ${file.fileName}` : words
}

/** Text of a message, for apps whose messages are always text; '' for a message without. */
export function textOf({ text, system, location, contact }: Message): string {
  if (text !== undefined) return text
  if (system !== undefined) return SYSTEM_WORDS[system.kind] ?? ''
  return location?.name ?? contact?.name ?? ''
}
