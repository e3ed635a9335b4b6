import type { Person } from '../../kit/helper.ts'
import type { NamedPerson, Scene } from './scene.ts'

/** Names that an action may use; ids are bare. */
export interface Words {
  readonly actor: NamedPerson
  readonly peer: NamedPerson
  /** Conversation of it; empty for none. */
  readonly conv: string
  readonly isGroup: boolean
  /** Of the actor there. */
  readonly msg: string
  /** Of the other one there, unread, and its `seq`. */
  readonly theirs: string
  readonly seq: number
  readonly req: string
  /** Of this action alone. */
  readonly text: string
  /** Search text for a person. */
  readonly sought: string
}

/** Effect of a block of either on an action. */
type Verdict =
  /** Refused as `blocked`: nothing is stored and nobody hears of it. */
  | 'refused'
  /** Granted, but nobody hears of it; nothing is stored but how far the actor has read. */
  | 'silent'
  /** Granted and heard. */
  | 'passes'

/** Kind of action between two people. */
export interface Meaning {
  /** With whom: somebody without a conversation, the two in their conversations, or whoever cares. */
  readonly among: 'strangers' | 'conversation' | 'anybody'
  readonly direct: Verdict
  readonly group: Verdict
  /** The canonical event that the other hears, and something that is in it in the words of every app. */
  readonly event?: string
  readonly hint?: (words: Words) => string
  /** The same in Parley’s own words, where they differ. */
  readonly ownHint?: (words: Words) => string
  /** Is done to what the actor said, not to what the other one said. */
  readonly isOwn?: true
  /** Prepare what must be there first. */
  prepare?(scene: Scene, words: Words): Promise<Partial<Words>>
}

const message = ({ msg }: Words) => msg
const ownText = ({ text }: Words) => text
const theirMessage = ({ theirs }: Words) => theirs
const actor = (words: Words) => words.actor.hex
const direct = { among: 'conversation', direct: 'refused', group: 'passes' } as const
const whisper = { among: 'conversation', direct: 'silent', group: 'silent', hint: actor } as const
const stranger = { among: 'strangers', direct: 'refused', group: 'refused' } as const
const always = { direct: 'passes', group: 'passes' } as const
const said = { among: 'anybody', direct: 'silent', group: 'silent', hint: actor } as const

const request = async ({ server }: Scene, from: Person, to: Person) =>
  (await server.call(from, 'POST', '/v1/requests', { kind: 'chat', to: to.id })).body.id.slice(-24)

const scheduled = async ({ server }: Scene, { actor, conv, text }: Words) => {
  const sendAt = new Date(Date.now() + 3_600_000).toISOString()
  const plan = { clientId: `plan-${text.replaceAll(/\W/g, '-')}`, sendAt, text }
  const path = `/v1/conversations/${conv}/scheduled-messages`
  return { req: (await server.call(actor, 'POST', path, plan)).body.id.slice(-24) }
}

const exported = async ({ server }: Scene, { actor, conv }: Words) => ({
  req: (await server.call(actor, 'POST', `/v1/conversations/${conv}/exports`)).body.id.slice(-24)
})

/** Actions between two people, of every kind. */
export const MEANINGS = {
  start: { ...stranger, event: 'conversation:added' },
  invite: {
    ...stranger,
    event: 'conversation:added',
    prepare: async ({ server }, words) => ({ conv: (await server.group(words.actor)).slice(-24) })
  },
  ask: { ...stranger, event: 'request:new' },
  accept: {
    ...stranger,
    event: 'request:updated',
    prepare: async (scene, words) => ({ req: await request(scene, words.peer, words.actor) })
  },
  decline: {
    among: 'strangers',
    ...always,
    event: 'request:updated',
    prepare: async (scene, words) => ({ req: await request(scene, words.peer, words.actor) })
  },
  cancel: {
    among: 'strangers',
    ...always,
    event: 'request:updated',
    prepare: async (scene, words) => ({ req: await request(scene, words.actor, words.peer) })
  },
  part: {
    among: 'strangers',
    ...always,
    event: 'contacts:updated',
    prepare: async (scene, { actor, peer }) => {
      await scene.befriend(actor, peer)
      return {}
    }
  },
  note: stranger,
  send: { ...direct, event: 'message:new', hint: ownText },
  /** Nobody hears of it before its time. */
  schedule: direct,
  reschedule: { ...direct, prepare: scheduled },
  /** What they have scheduled themselves: looking at it and taking it back. */
  plan: { among: 'conversation', ...always, prepare: scheduled },
  /** An export of their own: looking at it and taking it back. */
  archive: { among: 'conversation', ...always, prepare: exported },
  edit: { ...direct, event: 'message:edited', hint: ownText, isOwn: true },
  react: { ...direct, event: 'reaction:added', hint: theirMessage },
  unreact: {
    ...direct,
    event: 'reaction:removed',
    hint: theirMessage,
    prepare: async ({ server }, { actor, conv, theirs }) => {
      const path = `/v1/conversations/${conv}/messages/${theirs}/reactions`
      await server.call(actor, 'POST', path, { emoji: '👍' })
      return {}
    }
  },
  pin: { ...direct, event: 'message:pinned', hint: theirMessage },
  unpin: {
    ...direct,
    event: 'message:unpinned',
    hint: theirMessage,
    prepare: async ({ server }, { actor, conv, theirs }) => {
      await server.call(actor, 'PUT', `/v1/conversations/${conv}/messages/${theirs}/pin`)
      return {}
    }
  },
  remove: { among: 'conversation', ...always, event: 'message:deleted', hint: message, isOwn: true },
  type: { ...whisper, event: 'typing:start' },
  stopTyping: { ...whisper, event: 'typing:stop' },
  deliver: {
    ...whisper,
    event: 'receipt:delivered',
    hint: theirMessage,
    ownHint: ({ seq }) => `"deliveredSeq":${seq}`
  },
  read: { ...whisper, event: 'receipt:read', hint: theirMessage, ownHint: ({ seq }) => `"readSeq":${seq}` },
  rename: { among: 'conversation', ...always, event: 'conversation:updated', hint: ownText },
  time: { ...direct, event: 'conversation:updated' },
  /** Of groups alone, which are made for it. */
  manage: { among: 'conversation', ...always, event: 'member:changed' },
  end: { among: 'conversation', ...always, event: 'conversation:removed' },
  show: { ...said, event: 'presence' },
  introduce: { ...said, event: 'profile:updated' },
  /** Preferences, which nobody else hears of. */
  keep: { among: 'conversation', ...always },
  /** The same, where others would miss what is gone. */
  clear: { among: 'conversation', ...always }
} satisfies Readonly<Record<string, Meaning>>

/** Whether it is recognized by what the actor has said. */
export function isOfOwnWords({ hint }: Meaning): boolean {
  return hint === ownText || hint === message
}

export type MeaningName = keyof typeof MEANINGS
/** Actions that need a group of their own. */
export const OWN_GROUP: ReadonlySet<string> = new Set(['rename', 'time', 'manage', 'end', 'clear'])
