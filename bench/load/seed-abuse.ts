import { type BenchUser, mintUsers } from '../users.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import { ParleyWire } from './parley-wire.ts'
import type { BenchConversation, Target } from './wire.ts'

/** Largest message: what the server does not look into. */
const LARGE_BYTES = 60_000
const LARGE_MESSAGES = 220
const OLD_MESSAGES = 3_000
const CHATS = 100
const MESSAGES_PER_CHAT = 20
const CHAT_TEXT = 'x'.repeat(2_000)

/** Numbers of people who are abused, and of pairs who talk meanwhile. */
export interface SeedAbuse {
  readonly target: Target
  readonly victims: number
  readonly pairs: number
}

/** Scene of the abuse. */
export interface SeededAbuse {
  readonly abuser: BenchUser
  readonly victims: readonly BenchUser[]
  readonly bystanders: readonly BenchConversation[]
  /** Group of the abuser and the bystanders, and a large message in it. */
  readonly group: BenchConversation
  readonly largeMessageId: string
  /** Conversation of the abuser that is full of large messages. */
  readonly heavy: BenchConversation
}

/** Introduces everybody, and fills the abuser's conversations. */
export async function seedAbuse({ target, victims: count, pairs }: SeedAbuse): Promise<SeededAbuse> {
  const rest = new ParleyRest(target.url)
  const wire = new ParleyWire(target)
  const [victims, talkers, own] = [await mintUsers(count), await mintUsers(pairs * 2), await mintUsers(1)]
  const abuser = own[0] as BenchUser
  await rest.introduce([...victims, ...talkers, abuser])
  const bystanders = await wire.createConversations(
    Array.from({ length: pairs }, (_, pair) => talkers.slice(pair * 2, pair * 2 + 2))
  )
  const group = await rest.createConversation([abuser, ...talkers])
  const heavy = await rest.createConversation([abuser, ...victims.slice(0, 2)])
  const send = async (id: string, clientId: string, content: object) =>
    await rest.call(abuser, 'POST', `/v1/conversations/${id}/messages`, { clientId, ...content })
  const fill = async (id: string, messages: number, content: object) =>
    await inParallel(Array.from({ length: messages }), 16, async (_, n) => await send(id, `seed-${n}`, content))
  const large = { encryptedContent: 'x'.repeat(LARGE_BYTES) }
  const { id } = await send(group.id, 'large', { text: 'x'.repeat(16_000) })
  await fill(heavy.id, LARGE_MESSAGES, large)
  const chats = await wire.createConversations(victims.slice(0, CHATS).map(victim => [abuser, victim]))
  await inParallel(chats, 8, async chat => await fill(chat.id, MESSAGES_PER_CHAT, { text: CHAT_TEXT }))
  await fill((await rest.createConversation([abuser, ...victims.slice(2, 4)])).id, OLD_MESSAGES, { text: 'Old' })
  return { abuser, victims, bystanders, group, largeMessageId: id as string, heavy }
}
