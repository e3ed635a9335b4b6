import type { Actions, App, Guest } from './app.ts'
import { bare, call, listen } from './line.ts'

interface Shown {
  readonly text: string
  readonly deletedAt?: string
}

/** Document 2: all by REST, and what happens as server-sent events. */
export const chatapp: App = {
  name: 'chatapp',
  event: 'message:new',
  textOf: ({ text }) => text,
  signIn: async guest => ({ ...actions(guest), listener: await listen(guest, '/api/sse') })
}

function actions(guest: Guest) {
  const history = async (id: string): Promise<Shown[]> => await call(guest, 'GET', `/api/messages/conv_${id}`)
  return {
    send: async ({ id, peer }, text, replyTo) => {
      const place = peer === undefined ? { conversationId: `conv_${id}` } : { to: peer.id }
      const answer = { ...(replyTo && { replyTo: `msg_${replyTo}` }) }
      return bare((await call(guest, 'POST', '/api/messages', { ...place, type: 'text', text, ...answer })).messageId)
    },
    remove: async (_, id) => await call(guest, 'DELETE', `/api/messages/msg_${id}`),
    react: async (_, id, emoji) => await call(guest, 'POST', `/api/messages/msg_${id}/reactions`, { emoji }),
    read: async ({ id }) => await history(id),
    history: async ({ id }) => (await history(id)).flatMap(({ text, deletedAt }) => (deletedAt ? [] : text)),
    list: async () =>
      (await call(guest, 'GET', '/api/conversations')).map((it: { conversationId: string }) => bare(it.conversationId))
  } satisfies Partial<Actions>
}
