import { PacketClient } from '../../packet-client.ts'
import type { Actions, App, Guest } from './app.ts'
import { call, say } from './line.ts'

interface Shown {
  readonly text: string
  readonly isDeleted: boolean
}

/** Document 3: its socket is told by the token in the query. It knows people, and no conversations. */
export const reals2chat: App = {
  name: 'reals2chat',
  event: 'receiveMessage',
  textOf: ({ text }) => text,
  isDirectOnly: true,
  signIn: async guest => {
    const { t, server, person } = guest
    const socket = await PacketClient.open(t, server.url, { query: { token: person.token } })
    return { ...actions(guest, socket), listener: socket }
  }
}

function actions(guest: Guest, socket: PacketClient) {
  const history = async (hex = ''): Promise<Shown[]> => (await call(guest, 'GET', `/api/messages/${hex}`)).messages
  const keep = async (hex: string, changes: object) =>
    await call(guest, 'PUT', `/api/conversations/${hex}/metadata`, changes)
  return {
    send: async ({ peer }, text) =>
      (await say(guest, socket, 'sendMessage', { recipientId: peer?.hex, text })).message._id,
    read: async ({ peer }) => await history(peer?.hex),
    history: async ({ peer }) => (await history(peer?.hex)).flatMap(({ text, isDeleted }) => (isDeleted ? [] : text)),
    block: async ({ hex }) => await keep(hex, { isBlocked: true }),
    unblock: async ({ hex }) => await keep(hex, { isBlocked: false })
  } satisfies Partial<Actions>
}
