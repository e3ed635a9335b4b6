import { type BenchUser, mintUsers } from '../users.ts'
import { createWire } from './create-wire.ts'
import type { LightSocket } from './light-socket.ts'
import { inParallel } from './parley-rest.ts'
import type { BenchConversation, Target, Wire } from './wire.ts'

/** Number of connections opened at the same time. */
const CONNECT_WIDTH = 50

/** Seat of one connected person in a conversation. */
export interface Place {
  readonly user: BenchUser
  readonly socket: LightSocket
  readonly conversation: BenchConversation
}

/** Connected people in conversations of one size. */
export interface Crowd {
  readonly wire: Wire
  /** Conversation after conversation: the first `senders` places send. */
  readonly places: readonly Place[]
  close(): Promise<void>
}

/** Connects enough people for `senders` of them to sit in conversations of `members`, everybody in one. */
export async function openCrowd(target: Target, senders: number, members: number): Promise<Crowd> {
  const wire = createWire(target)
  const users = await mintUsers(Math.ceil(senders / members) * members)
  const sockets = await inParallel(users, CONNECT_WIDTH, user => wire.connect(user))
  const groups = Array.from({ length: users.length / members }, (_, index) =>
    users.slice(index * members, (index + 1) * members)
  )
  const conversations = await wire.createConversations(groups)
  const places = users.map((user, index) => {
    const socket = sockets[index]
    const conversation = conversations[Math.floor(index / members)]
    if (socket === undefined || conversation === undefined) throw new Error('A person has no place')
    return { user, socket, conversation }
  })
  const close = async () => {
    for (const socket of sockets) {
      socket.onClose = undefined
      socket.close()
    }
    await wire.close()
  }
  return { wire, places, close }
}
