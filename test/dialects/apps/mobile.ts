import { PacketClient } from '../../packet-client.ts'
import type { Actions, App, Guest } from './app.ts'
import { call, say } from './line.ts'

/** Document 0: messages over its socket, the rest by REST. */
export const mobile: App = {
  name: 'mobile',
  event: 'message:new',
  textOf: ({ content }) => content,
  signIn: async guest => {
    const { t, server, person } = guest
    const socket = await PacketClient.open(t, server.url, { namespace: '/mobile', auth: { token: person.token } })
    return { ...people(guest), ...talking(guest, socket), ...keeping(guest), listener: socket }
  }
}

function people(guest: Guest) {
  return {
    find: async name => (await call(guest, 'GET', `/users/search?q=${name}`)).data[0].id,
    start: async ({ hex }) => (await call(guest, 'POST', '/conversations/single', { userId: hex })).data.id,
    block: async ({ hex }) => await call(guest, 'POST', '/users/me/blocked-users', { userId: hex }),
    unblock: async ({ hex }) => await call(guest, 'DELETE', `/users/me/blocked-users/${hex}`)
  } satisfies Partial<Actions>
}

function talking(guest: Guest, socket: PacketClient) {
  const ask = async (name: string, data: object) => (await say(guest, socket, name, data)).data
  return {
    send: async ({ id }, content, replyTo) => {
      const answer = { ...(replyTo && { replyTo }) }
      return (await ask('message:send', { conversationId: id, type: 'text', content, ...answer })).id
    },
    edit: async (_, messageId, content) => await ask('message:edit', { messageId, content }),
    remove: async (_, messageId) => await ask('message:delete', { messageId }),
    react: async (_, messageId, emoji) => await ask('message:reaction:add', { messageId, emoji }),
    read: async ({ id }, messageId) => await ask('message:read', { conversationId: id, messageId }),
    history: async ({ id }) =>
      (await call(guest, 'GET', `/conversations/${id}/messages`)).data
        .filter(({ isDeleted }: { isDeleted: boolean }) => !isDeleted)
        .map(({ content }: { content: string }) => content)
        .reverse()
  } satisfies Partial<Actions>
}

function keeping(guest: Guest) {
  return {
    mute: async ({ id }) => await call(guest, 'PUT', `/conversations/${id}/mute`, { isMuted: true }),
    clear: async ({ id }) => await call(guest, 'DELETE', `/conversations/${id}/messages`),
    list: async () => (await call(guest, 'GET', '/conversations')).data.map(({ id }: { id: string }) => id),
    group: async (name, members) => {
      const participants = members.map(({ hex }) => hex)
      return (await call(guest, 'POST', '/conversations/group', { name, participants })).data.id
    },
    expel: async ({ id }, { hex }) => await call(guest, 'DELETE', `/conversations/${id}/participants/${hex}`)
  } satisfies Partial<Actions>
}
