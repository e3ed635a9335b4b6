import { PacketClient } from '../../packet-client.ts'
import type { Actions, App, Chat, Guest } from './app.ts'
import { call, say } from './line.ts'

/** Document 1: what is said goes over the socket in its main namespace, the rest by REST. */
export const unified: App = {
  name: 'unified',
  event: 'receive-message',
  textOf: ({ text }) => text,
  signIn: async guest => {
    const { t, server, person } = guest
    const socket = await PacketClient.open(t, server.url, { auth: { token: person.token } })
    return { ...people(guest), ...talking(guest, socket), ...groups(guest), listener: socket }
  }
}

function people(guest: Guest) {
  return {
    find: async name => (await call(guest, 'GET', `/users/search?q=${name}`)).data[0].uid,
    request: async ({ hex }) => (await call(guest, 'POST', '/chat-requests', { to: hex })).data.id,
    accept: async id => (await call(guest, 'POST', `/chat-requests/${id}/accept`)).data.conversationId,
    start: async ({ hex }) => (await call(guest, 'POST', '/contacts/start-chat', { userId: hex })).data.id,
    list: async () => (await call(guest, 'GET', '/conversations')).data.map(({ id }: { id: string }) => id)
  } satisfies Partial<Actions>
}

function talking(guest: Guest, socket: PacketClient) {
  const at = (messageId: string) => `/messages/${messageId}`
  return {
    send: async ({ id, peer }: Chat, text, replyTo) => {
      // One of the two apps names the conversation and content, the other the person and text.
      if (peer !== undefined && replyTo === undefined) {
        return (await say(guest, socket, 'message', { to: peer.hex, text })).id
      }
      const said = { conversationId: id, content: text, ...(replyTo && { replyTo }) }
      return (await say(guest, socket, 'send-message', said)).id
    },
    edit: async (_, id, text) => await call(guest, 'PATCH', at(id), { content: text }),
    remove: async (_, id) => await call(guest, 'DELETE', `${at(id)}?scope=everyone`),
    react: async (_, id, emoji) => await call(guest, 'POST', `${at(id)}/reactions`, { emoji }),
    read: async ({ id }, messageId) =>
      await say(guest, socket, 'read_up_to', { conversationId: id, readUpTo: messageId }),
    history: async ({ id }) =>
      (await call(guest, 'GET', `/messages?conversationId=${id}`)).data
        .filter(({ isDeleted }: { isDeleted: boolean }) => !isDeleted)
        .map(({ text }: { text: string }) => text)
        .reverse()
  } satisfies Partial<Actions>
}

function groups(guest: Guest) {
  return {
    group: async (name, members) =>
      (await call(guest, 'POST', '/groups', { name, members: members.map(({ hex }) => hex) })).data.id,
    promote: async ({ id }, { hex }) => await call(guest, 'PUT', `/groups/${id}/admins`, { userIds: [hex] }),
    expel: async ({ id }, { hex }) => await call(guest, 'DELETE', `/groups/${id}/members/${hex}`)
  } satisfies Partial<Actions>
}
