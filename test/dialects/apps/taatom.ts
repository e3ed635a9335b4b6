import { PacketClient } from '../../packet-client.ts'
import type { Actions, App, Chat, Guest } from './app.ts'
import { bare, call, say } from './line.ts'

const at = ({ id, peer }: Chat) => `/api/v1/chat/${peer?.hex ?? id}`

/** Document 4: direct messages over its socket, the rest by REST. */
export const taatom: App = {
  name: 'taatom',
  event: 'message:new',
  textOf: ({ message }) => message.text,
  signIn: async guest => {
    const { t, server, person } = guest
    const socket = await PacketClient.open(t, server.url, { namespace: '/app', auth: { token: person.token } })
    return { ...actions(guest, socket), listener: socket }
  }
}

function actions(guest: Guest, socket: PacketClient) {
  return {
    start: async ({ hex }) => bare((await call(guest, 'GET', `/api/v1/chat/${hex}`)).data.chat._id),
    send: async (chat, text, replyTo) => {
      const { peer } = chat
      if (peer !== undefined && replyTo === undefined) {
        return (await say(guest, socket, 'sendMessage', { to: peer.hex, text })).message._id
      }
      return (await call(guest, 'POST', `${at(chat)}/messages`, { text, ...(replyTo && { replyTo }) })).data.message._id
    },
    read: async (chat, messageId) => {
      if (chat.peer === undefined) return await call(guest, 'POST', `${at(chat)}/mark-all-seen`)
      return await say(guest, socket, 'seen', { to: chat.peer.hex, messageId, chatId: chat.id })
    },
    mute: async chat => await call(guest, 'POST', `${at(chat)}/mute`),
    clear: async chat => await call(guest, 'DELETE', `${at(chat)}/messages`),
    list: async () => (await call(guest, 'GET', '/api/v1/chat')).data.chats.map(({ _id }: { _id: string }) => _id),
    history: async chat =>
      (await call(guest, 'GET', `${at(chat)}/messages`)).data.messages
        .filter(({ isDeleted }: { isDeleted: boolean }) => !isDeleted)
        .map(({ text }: { text: string }) => text)
  } satisfies Partial<Actions>
}
