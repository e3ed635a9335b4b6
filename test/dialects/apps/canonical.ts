import { randomUUID } from 'node:crypto'
import { SocketClient } from '../../socket-client.ts'
import type { Actions, App, Chat, Guest } from './app.ts'
import { bare, call, EventListener, listen, say } from './line.ts'

const at = ({ id }: Chat) => `/v1/conversations/conv_${id}`
const message = (chat: Chat, messageId: string) => `${at(chat)}/messages/msg_${messageId}`

type Texts = readonly { text?: string }[]
const textsOf = (messages: Texts) => messages.flatMap(({ text }) => text ?? [])

function people(guest: Guest) {
  return {
    find: async name => bare((await call(guest, 'GET', `/v1/users/search?q=${name}`)).users[0].id),
    request: async ({ id }) => bare((await call(guest, 'POST', '/v1/requests', { kind: 'chat', to: id })).id),
    accept: async id => bare((await call(guest, 'POST', `/v1/requests/req_${id}/accept`)).conversationId),
    start: async ({ id }) => bare((await call(guest, 'POST', '/v1/conversations', { type: 'direct', userId: id })).id),
    block: async ({ id }) => await call(guest, 'POST', '/v1/blocks', { userId: id }),
    unblock: async ({ id }) => await call(guest, 'DELETE', `/v1/blocks/${id}`)
  } satisfies Partial<Actions>
}

function talking(guest: Guest) {
  return {
    send: async (chat, text, replyTo) => {
      const body = { clientId: randomUUID(), text, ...(replyTo && { replyTo: `msg_${replyTo}` }) }
      return bare((await call(guest, 'POST', `${at(chat)}/messages`, body)).id)
    },
    edit: async (chat, id, text) => await call(guest, 'PATCH', message(chat, id), { text }),
    remove: async (chat, id) => await call(guest, 'DELETE', message(chat, id)),
    react: async (chat, id, emoji) => await call(guest, 'POST', `${message(chat, id)}/reactions`, { emoji }),
    read: async (chat, id) => {
      const { seq } = await call(guest, 'GET', message(chat, id))
      await call(guest, 'POST', `${at(chat)}/receipts`, { readSeq: seq })
    },
    history: async chat => textsOf((await call(guest, 'GET', `${at(chat)}/messages`)).messages)
  } satisfies Partial<Actions>
}

function keeping(guest: Guest) {
  return {
    mute: async chat => await call(guest, 'PATCH', `${at(chat)}/preferences`, { muted: true }),
    clear: async chat => await call(guest, 'DELETE', `${at(chat)}/messages`),
    list: async () =>
      (await call(guest, 'GET', '/v1/conversations')).conversations.map(({ id }: { id: string }) => bare(id)),
    group: async (name, members) => {
      const body = { type: 'group', name, memberIds: members.map(({ id }) => id) }
      return bare((await call(guest, 'POST', '/v1/conversations', body)).id)
    },
    promote: async (group, { id }) => await call(guest, 'PATCH', `${at(group)}/members/${id}`, { role: 'admin' }),
    expel: async (group, { id }) => await call(guest, 'DELETE', `${at(group)}/members/${id}`)
  } satisfies Partial<Actions>
}

/** Actions of every kind, by REST. */
export function canonicalActions(guest: Guest): Actions {
  return { ...people(guest), ...talking(guest), ...keeping(guest) }
}

/** Parley’s own API by REST, which hears by server-sent events. */
export const canonicalRest: App = {
  name: 'canonical REST',
  event: 'message:new',
  textOf: ({ data }) => data.text ?? '',
  signIn: async guest => ({ ...canonicalActions(guest), listener: await listen(guest, '/v1/events') })
}

/** Parley’s own API by its socket. */
export const canonicalSocket: App = {
  name: 'canonical socket',
  event: 'message:new',
  textOf: ({ text }) => text ?? '',
  signIn: async guest => {
    const listener = new EventListener()
    const socket = await openSocket(guest, '/ws', listener)
    await socket.ask('hello', { token: guest.person.token, cursors: {} })
    return { ...socketActions(guest, socket), listener }
  }
}

/** A raw socket whose events go to a listener; it ends with the test. */
export async function openSocket({ t, server }: Guest, path: string, listener: EventListener): Promise<SocketClient> {
  const socket = await SocketClient.open(`${server.url.replace('http', 'ws')}${path}`)
  t.teardown(() => socket.terminate())
  socket.ws.on('message', text => {
    const frame = JSON.parse(String(text))
    if (frame.id === undefined) listener.take(frame.type, frame.data)
  })
  return socket
}

function socketActions(guest: Guest, socket: SocketClient) {
  const ask = async (type: string, data: object) => await say(guest, socket, type, data)
  const place = ({ id }: Chat, messageId: string) => ({ conversationId: `conv_${id}`, messageId: `msg_${messageId}` })
  return {
    ...groupActions(ask),
    start: async ({ id }) => bare((await ask('conversation:create', { type: 'direct', userId: id })).id),
    send: async ({ id }, text, replyTo) => {
      const answer = { ...(replyTo && { replyTo: `msg_${replyTo}` }) }
      const clientId = randomUUID()
      return bare((await ask('message:send', { conversationId: `conv_${id}`, clientId, text, ...answer })).id)
    },
    edit: async (chat, id, text) => await ask('message:edit', { ...place(chat, id), text }),
    remove: async (chat, id) => await ask('message:delete', { ...place(chat, id), scope: 'everyone' }),
    react: async (chat, id, emoji) => await ask('reaction:add', { ...place(chat, id), emoji }),
    read: async ({ id: chatId }, id) => {
      const conversationId = `conv_${chatId}`
      const { messages } = await ask('history:get', { conversationId })
      const { seq } = messages.find((it: { id: string }) => bare(it.id) === id)
      await ask('receipt:read', { conversationId, seq })
    },
    history: async ({ id }) => textsOf((await ask('history:get', { conversationId: `conv_${id}` })).messages)
  } satisfies Partial<Actions>
}

// biome-ignore lint/suspicious/noExplicitAny: apps look into answers of every shape
function groupActions(ask: (type: string, data: object) => Promise<any>) {
  const member = ({ id }: Chat, userId: string) => ({ conversationId: `conv_${id}`, userId })
  return {
    group: async (name, members) => {
      const data = { type: 'group', name, memberIds: members.map(({ id }) => id) }
      return bare((await ask('conversation:create', data)).id)
    },
    promote: async (group, { id }) => await ask('member:role', { ...member(group, id), role: 'admin' }),
    expel: async (group, { id }) => await ask('member:remove', member(group, id))
  } satisfies Partial<Actions>
}
