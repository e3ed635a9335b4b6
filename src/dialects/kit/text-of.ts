import type { Message } from '../../../protocol/messages/entities.ts'

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  created: 'The group was created',
  added: 'Members were added',
  removed: 'A member was removed',
  left: 'A member left',
  role: 'A role was changed',
  renamed: 'The group has a new name',
  changed: 'The group was changed',
  settings: 'The settings were changed',
  pinned: 'A message was pinned'
}

/** Text of a message, for apps whose messages are always text; '' for a message without. */
export function textOf({ text, system, location, contact }: Message): string {
  if (text !== undefined) return text
  if (system !== undefined) return SYSTEM_WORDS[system.kind] ?? ''
  return location?.name ?? contact?.name ?? ''
}
