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
