import type { Words } from './meanings.ts'

// What Parley's own API is asked in, over REST and on its socket alike.
export const clientId = ({ text }: Words) => ({ clientId: text.replaceAll(/\W/g, '-') })
export const content = (words: Words) => ({ ...clientId(words), text: words.text })
export const answer = (words: Words) => ({ ...content(words), replyTo: words.theirs })
export const rescheduled = ({ text }: Words) => ({ text, sendAt: new Date(Date.now() + 3_600_000).toISOString() })
export const scheduled = (words: Words) => ({ ...clientId(words), ...rescheduled(words) })
export const ofPlan = ({ req: scheduledId }: Words) => ({ scheduledId })
export const ofExport = ({ req: exportId }: Words) => ({ exportId })
export const mention = (words: Words) => ({ ...content(words), mentions: [words.peer.hex] })
export const toPeer = ({ peer: { hex: userId } }: Words) => ({ type: 'direct', userId })
export const toPeople = ({ peer, text: name }: Words) => ({ type: 'group', name, memberIds: [peer.hex] })
export const userIds = ({ peer }: Words) => ({ userIds: [peer.hex] })
export const rename = ({ text: name }: Words) => ({ name })
export const offline = () => ({ status: 'offline' })
export const ofPeer = { where: 'direct' } as const
export const list = { shows: 'nothing', where: 'direct' } as const

let timers = 60
/** Another one each time: a repeat changes nothing. */
export const timer = () => ({ expireAfterSeconds: timers++ })
export const forward = (words: Words) => ({
  messages: [{ conversationId: words.conv, messageId: words.theirs, ...clientId(words) }],
  to: [words.conv]
})
