import t from 'tap'
import { type Person, startServer } from '../kit/helper.ts'
import type { Frame } from '../kit/socket-client.ts'

const isStop = ({ type }: Frame): boolean => type === 'typing:stop'

t.test('typing ends by itself when nothing more is said', async t => {
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '40' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const socket = await server.connect(ben)
  await server.call(ann, 'POST', `/v1/conversations/${conversationId}/typing`, { isTyping: true })
  await socket.next(({ type }) => type === 'typing:start')
  t.match((await socket.next(isStop)).data, { conversationId, userId: ann.id })
})

t.test('who stops typing is told to have stopped once', async t => {
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '40' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const other = await server.group(ann, ben)
  const socket = await server.connect(ben)
  const typing = async (id: string, isTyping: boolean) =>
    await server.call(ann, 'POST', `/v1/conversations/${id}/typing`, { isTyping })
  await typing(conversationId, true)
  await typing(conversationId, false)
  await socket.next(isStop)
  // The other one began later, so that the end of the first would have come before its own.
  await typing(other, true)
  t.equal((await socket.next(isStop)).data.conversationId, other)
})

t.test('U39: a message ends the typing of who sends it, before it comes', async t => {
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '60000' } })
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const [chat, group] = [await server.direct(ann, ben), await server.group(ann, ben)]
  const [socket, sender] = [await server.connect(ben), await server.connect(ann)]
  const type = async (conversationId: string) => await sender.ask('typing:start', { conversationId })
  const send = async (conversationId: string, clientId: string) =>
    await sender.ask('message:send', { conversationId, clientId, text: 'Hello' })
  const hearUntil = async (clientId: string) => {
    const types: string[] = []
    for (;;) {
      const { type, data } = await socket.next(it => /^(typing:|message:new)/.test(it.type))
      types.push(type)
      if (data.clientId === clientId) return types
    }
  }
  await type(chat)
  await send(chat, 'a')
  t.same(await hearUntil('a'), ['typing:start', 'typing:stop', 'message:new'])
  await send(chat, 'b')
  t.same(await hearUntil('b'), ['message:new'])
  await Promise.all([type(group), send(group, 'c'), send(group, 'd')])
  t.notMatch((await hearUntil('d')).join(), /start(?!,typing:stop)/, 'also where both are said at once')
})
