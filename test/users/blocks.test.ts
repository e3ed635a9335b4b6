import t from 'tap'
import { joinServer, type Person, startServer, type TestServer } from '../kit/helper.ts'
import type { SocketClient } from '../kit/socket-client.ts'

/** Two people with a direct conversation, a group, and a message of each in the direct one. */
interface Scene {
  server: TestServer
  actor: Person & { username: string; phone: string }
  other: Person & { username: string; phone: string }
  sockets: { actor: SocketClient; other: SocketClient }
  direct: string
  group: string
  own: string
  theirs: string
}

let made = 0

async function person(server: TestServer) {
  made += 1
  const username = `person${made}x`
  const phone = `+49151${String(20_000_000 + made)}`
  const { accessToken, user } = await server.signUp({ username, phone, displayName: `Somebody${made}x Named` })
  await server.call({ token: accessToken }, 'PATCH', '/v1/users/me', { bio: 'About me' })
  return { hex: user.id.slice(-24), id: user.id, token: accessToken, username, phone }
}

async function scene(server: TestServer): Promise<Scene> {
  const [actor, other] = await Promise.all([person(server), person(server)])
  const direct = await server.direct(actor, other)
  const group = await server.group(actor, other)
  const sockets = { actor: await server.connect(actor), other: await server.connect(other) }
  const own = (await sockets.actor.ask('message:send', { conversationId: direct, clientId: 'own', text: 'Mine' })).id
  const send = { conversationId: direct, clientId: 'theirs', text: 'Yours' }
  const theirs = (await sockets.other.ask('message:send', send)).id
  return { server, actor, other, sockets, direct, group, own, theirs }
}

/** Events on the other's socket up to a message in the group, which a block does not keep out. */
async function heardBy(socket: SocketClient, { sockets, group }: Scene, round: number): Promise<string[]> {
  const fence = { conversationId: group, clientId: `fence${round}-${Math.random()}`, text: 'Fence' }
  await sockets.actor.ask('message:send', fence)
  await socket.next(frame => frame.type === 'message:new' && frame.data.clientId === fence.clientId)
  return socket.frames.splice(0).map(frame => frame.type)
}

type Action = (scene: Scene, round: number) => Promise<string>

const code = ({ status, body }: { status: number; body: { error?: { code: string } } }): string =>
  status < 300 ? 'ok' : (body.error?.code ?? String(status))

/** Whether the other one hears of typing there. */
const typingIn = (place: 'direct' | 'group'): { act: Action; blocked: string } => ({
  blocked: 'silence',
  act: async (scene, round) => {
    await scene.sockets.actor.ask('typing:stop', { conversationId: scene[place] })
    const heard = await heardBy(scene.sockets.other, scene, round)
    return heard.includes('typing:stop') ? 'ok' : 'silence'
  }
})

/** Actions between two people, and the effect of a block of either. */
const ACTIONS: Record<string, { act: Action; blocked: string }> = {
  start: {
    blocked: 'blocked',
    act: async ({ server, actor, other }) =>
      code(await server.call(actor, 'POST', '/v1/conversations', { type: 'direct', userId: other.id }))
  },
  send: {
    blocked: 'blocked',
    act: async ({ server, actor, direct }, round) =>
      code(
        await server.call(actor, 'POST', `/v1/conversations/${direct}/messages`, { clientId: `r${round}`, text: 'Hi' })
      )
  },
  'send by socket': {
    blocked: 'blocked',
    act: async ({ sockets: { actor }, direct }, round) => {
      const send = { conversationId: direct, clientId: `s${round}`, text: 'Hi' }
      return await actor.ask('message:send', send).then(
        () => 'ok',
        ({ error }) => error.code
      )
    }
  },
  edit: {
    blocked: 'blocked',
    act: async ({ server, actor, direct, own }, round) =>
      code(
        await server.call(actor, 'PATCH', `/v1/conversations/${direct}/messages/${own}`, { text: `Edited ${round}` })
      )
  },
  react: {
    blocked: 'blocked',
    act: async ({ server, actor, direct, theirs }, round) =>
      code(
        await server.call(actor, 'POST', `/v1/conversations/${direct}/messages/${theirs}/reactions`, {
          emoji: ['👍', '🎉', '🔥'][round]
        })
      )
  },
  'typing in the direct conversation': typingIn('direct'),
  'typing in a group': typingIn('group'),
  'receipts in a group': {
    blocked: 'silence',
    act: async (scene, round) => {
      const { sockets, group, server, actor, other } = scene
      const send = { conversationId: group, clientId: `seen${round}`, text: 'See' }
      const { seq } = await sockets.other.ask('message:send', send)
      await sockets.actor.ask('receipt:read', { conversationId: group, seq })
      const heard = await heardBy(sockets.other, scene, round)
      const { receipts } = (await server.call(other, 'GET', `/v1/conversations/${group}/members`)).body
      const isListed = receipts.some(({ userId }: { userId: string }) => userId === actor.id)
      t.equal(isListed, heard.includes('receipt:read'), 'told and listed alike')
      return heard.includes('receipt:read') ? 'ok' : 'silence'
    }
  },
  presence: {
    blocked: '{"userId":"","status":"offline"}',
    act: async ({ server, actor, other }) => {
      const { body } = await server.call(actor, 'GET', `/v1/presence?ids=${other.id}`)
      return body.presence[0].status === 'online' ? 'ok' : JSON.stringify(body.presence[0]).replace(other.id, '')
    }
  },
  profile: {
    blocked: 'id,displayName,username',
    act: async ({ server, actor, other }) => {
      const { body } = await server.call(actor, 'GET', `/v1/users/${other.id}`)
      return body.bio === 'About me' ? 'ok' : Object.keys(body).join()
    }
  },
  'making a group': {
    blocked: 'blocked',
    act: async ({ server, actor, other }) =>
      code(await server.call(actor, 'POST', '/v1/conversations', { type: 'group', name: 'G', memberIds: [other.id] }))
  },
  'adding to a group': {
    blocked: 'blocked',
    act: async ({ server, actor, other }) => {
      const group = await server.group(actor)
      return code(await server.call(actor, 'POST', `/v1/conversations/${group}/members`, { userIds: [other.id] }))
    }
  },
  request: {
    blocked: 'blocked',
    act: async ({ server, actor, other }) =>
      code(await server.call(actor, 'POST', '/v1/requests', { kind: 'friend', to: other.id }))
  },
  'search by username': {
    blocked: 'nobody',
    act: async ({ server, actor, other }) => await found(server, actor, other.username, other)
  },
  'search by phone': {
    blocked: 'nobody',
    act: async ({ server, actor, other }) => await found(server, actor, other.phone, other)
  },
  'contacts sync': {
    blocked: 'nobody',
    act: async ({ server, actor, other }) => {
      const { body } = await server.call(actor, 'POST', '/v1/contacts/sync', { contacts: [other.phone] })
      return body.matches.some(({ user }: { user: { id: string } }) => user.id === other.id) ? 'ok' : 'nobody'
    }
  },
  'adding a contact': {
    blocked: 'blocked',
    act: async ({ server, actor, other }, round) =>
      code(await server.call(actor, 'PUT', `/v1/contacts/${other.id}`, { name: `Name ${round}` }))
  },
  'a message in a group that both are in': {
    blocked: 'ok',
    act: async ({ sockets, group }, round) => {
      await sockets.actor.ask('message:send', { conversationId: group, clientId: `g${round}`, text: 'All' })
      await sockets.other.next(frame => frame.data?.clientId === `g${round}`)
      return 'ok'
    }
  }
}

async function found(server: TestServer, actor: Person, q: string, other: Person): Promise<string> {
  const { body } = await server.call(actor, 'GET', `/v1/users/search?q=${encodeURIComponent(q)}`)
  return body.users.some(({ id }: { id: string }) => id === other.id) ? 'ok' : 'nobody'
}

t.test('a block has one meaning on every path, either way, and ends when it is taken back', async t => {
  const server = await startServer(t, { env: { LIMITS_TYPING_INTERVAL_MS: '1' } })
  for (const [name, { act, blocked }] of Object.entries(ACTIONS)) {
    for (const side of ['blocker', 'blocked'] as const) {
      const it = await scene(server)
      const [blocker, victim] = side === 'blocker' ? [it.actor, it.other] : [it.other, it.actor]
      t.equal(await act(it, 0), 'ok', `${name} by the ${side}, before`)
      t.equal((await server.call(blocker, 'POST', '/v1/blocks', { userId: victim.id })).status, 204)
      t.equal(await act(it, 1), blocked, `${name} by the ${side}, blocked`)
      t.equal((await server.call(blocker, 'DELETE', `/v1/blocks/${victim.id}`)).status, 204)
      t.equal(await act(it, 2), 'ok', `${name} by the ${side}, afterwards`)
      for (const socket of Object.values(it.sockets)) socket.terminate()
    }
  }
})

t.test('the list of the blocked, its pages, and repeats that change nothing', async t => {
  const server = await joinServer(t)
  const [ann, ben, cleo, dan] = (await server.people(4)) as [Person, Person, Person, Person]
  const socket = await server.connect(ann)
  for (const { id } of [ben, cleo, dan]) await server.call(ann, 'POST', '/v1/blocks', { userId: id })
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.hex })
  const first = (await server.call(ann, 'GET', '/v1/blocks?limit=2')).body
  const second = (await server.call(ann, 'GET', `/v1/blocks?limit=2&after=${first.next}`)).body
  const ids = [...first.blocks, ...second.blocks].map(({ user }: { user: { id: string } }) => user.id)
  t.strictSame(ids, [dan.id, cleo.id, ben.id])
  t.strictSame(Object.keys(second.blocks[0].user), ['id', 'displayName'], 'a bare profile')
  t.match(first.blocks[0], { blockedAt: /Z$/ })
  t.equal(second.next, undefined)
  for (const { id } of [ben, cleo, dan]) {
    t.match(await socket.next('blocks:updated'), { stream: ann.id, data: { userId: id, isBlocked: true } })
  }
  await server.call(ann, 'DELETE', `/v1/blocks/${ben.id}`)
  t.equal((await server.call(ann, 'DELETE', `/v1/blocks/${ben.id}`)).status, 204)
  t.match(await socket.next('blocks:updated'), { rev: 4, data: { userId: ben.id, isBlocked: false } })
  const { items } = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  t.match(items, [
    { type: 'block', rev: 2, userId: cleo.id, isBlocked: true },
    { type: 'block', rev: 3, userId: dan.id, isBlocked: true },
    { type: 'block', rev: 4, userId: ben.id, isBlocked: false }
  ])
  t.strictSame((await server.call(ben, 'GET', '/v1/blocks')).body, { blocks: [] }, 'nobody sees who blocked them')
  for (const [userId, status] of [
    [ann.id, 400],
    [`user_${'a'.repeat(24)}`, 404],
    ['x', 400]
  ] as const) {
    t.equal((await server.call(ann, 'POST', '/v1/blocks', { userId })).status, status)
  }
})

t.test('a block is a change of the direct conversation that both are told as noop', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const conversationId = await server.direct(ann, ben)
  const sockets = [await server.connect(ann), await server.connect(ben)]
  await server.call(ann, 'POST', '/v1/blocks', { userId: ben.id })
  for (const socket of sockets) t.match(await socket.next('noop'), { stream: conversationId, rev: 2, data: {} })
  const own = await server.call(ann, 'GET', `/v1/conversations/${conversationId}/messages`)
  t.equal(own.status, 200, 'history stays')
})
