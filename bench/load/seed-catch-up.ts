import { mintUsers } from '../users.ts'
import type { Laggard } from './come-back.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import { ParleyWire } from './parley-wire.ts'
import type { BenchConversation, Target } from './wire.ts'

/** Members of each conversation that fall behind; with five conversations a client, `clients / 10` conversations. */
const CLIENTS_PER_CONVERSATION = 50
const SEED_IN_FLIGHT = 16

/** Users who are to fall behind, and how far. */
export interface SeedCatchUp {
  readonly target: Target
  readonly clients: number
  readonly conversationsPerClient: number
  /** Messages in each conversation that each of its clients has not seen. */
  readonly behind: number
}

/** People who are behind, and two who have a conversation of their own. */
export interface SeededCatchUp {
  readonly laggards: readonly Laggard[]
  readonly bystanders: BenchConversation
}

/** Everybody is introduced and put into conversations; then one author of each sends while nobody else is connected. */
export async function seedCatchUp(params: SeedCatchUp): Promise<SeededCatchUp> {
  const { target, clients, conversationsPerClient, behind } = params
  const wire = new ParleyWire(target)
  const count = Math.max(conversationsPerClient, (clients * conversationsPerClient) / CLIENTS_PER_CONVERSATION)
  const [users, authors, pair] = [await mintUsers(clients), await mintUsers(count), await mintUsers(2)]
  await new ParleyRest(target.url).introduce([...users, ...authors, ...pair])
  const indexesOf = (client: number) =>
    Array.from({ length: conversationsPerClient }, (_, k) => (client * conversationsPerClient + k) % count)
  const groups = authors.map(author => [author])
  for (const [client, user] of users.entries()) {
    for (const index of indexesOf(client)) groups[index]?.push(user)
  }
  const conversations = await wire.createConversations(groups)
  const firstRevs = await inParallel(conversations, 10, conversation => author(wire, conversation, { count: behind }))
  const streamAt = (index: number) => ({ id: conversations[index]?.id ?? '', since: (firstRevs[index] ?? 1) - 1 })
  const laggards = users.map((user, client) => ({ user, streams: indexesOf(client).map(streamAt) }))
  const [bystanders] = await wire.createConversations([pair])
  return { laggards, bystanders: bystanders as BenchConversation }
}

/** Numbers of the messages that an author sends. */
interface Authored {
  readonly count: number
  /** Number before the first one: of each conversation, a number is sent once. */
  readonly after?: number
}

/** Has the first member send messages. @returns the `rev` of the first one */
export async function author(
  wire: ParleyWire,
  conversation: BenchConversation,
  { count, after = 0 }: Authored
): Promise<number> {
  const [sender] = conversation.members
  if (sender === undefined) throw new Error('A conversation has no author')
  const socket = await wire.connect(sender)
  let firstRev = Number.POSITIVE_INFINITY
  let sent = 0
  let answered = 0
  const send = () => socket.send(wire.sendFrame(conversation, sender, after + ++sent))
  await new Promise<void>((resolve, reject) => {
    const onReply = (text: string) => {
      const { ok, data } = JSON.parse(text) as { ok: boolean; data: { rev: number } }
      if (!ok) return reject(new Error(`A send was refused: ${text}`))
      firstRev = Math.min(firstRev, data.rev)
      if (++answered === count) resolve()
      else if (sent < count) send()
    }
    socket.onClose = code => reject(new Error(`The author's connection was closed with ${code}`))
    socket.onFrame = (bytes, start, end) => {
      const kind = wire.kindOf(bytes, start, end)
      if (kind === 'ack' || kind === 'refusal') onReply(bytes.toString('utf8', start, end))
    }
    for (let under = 0; under < Math.min(SEED_IN_FLIGHT, count); under++) send()
  })
  socket.onClose = undefined
  socket.close()
  return firstRev
}
