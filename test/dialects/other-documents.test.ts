import t from 'tap'
import { joinServer } from '../kit/helper.ts'
import {
  CHATAPP_CALLS,
  CHATAPP_LOGIN,
  CHATAPP_MESSAGE,
  REALS2CHAT_CALLS,
  REALS2CHAT_PRESENCE,
  REALS2CHAT_REFUSAL,
  REALS2CHAT_SOCKET,
  TAATOM_CALLS,
  TAATOM_PRESENCE,
  TAATOM_SOCKET
} from './documents/others.ts'
import { openScene, openSocket } from './documents/scene.ts'
import { problemsOf } from './documents/shape.ts'
import { heardSince, type Scene, walkCalls, walkSocket } from './documents/walk.ts'

const chatapp = (token: string) => ({ namespace: '/chatapp', auth: { token } })
const reals2chat = (token: string) => ({ query: { token } })
const taatom = (token: string) => ({ namespace: '/app', auth: { token } })

async function befriend({ server, ann, ben }: Scene): Promise<void> {
  const { id } = (await server.call(ann, 'POST', '/v1/requests', { kind: 'friend', to: ben.id })).body
  await server.call(ben, 'POST', `/v1/requests/${id}/accept`)
}

for (const root of ['', '/chatapp']) {
  t.test(`document 2: every call at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    const scene = await openScene(t, server, chatapp)
    await walkCalls(t, scene, root, CHATAPP_CALLS)
    const deviceInfo = { platform: 'web', deviceId: 'laptop', userAgent: 'Mozilla/5.0' }
    const { qrToken } = (await server.call(undefined, 'POST', `${root}/api/auth/qr`, { deviceInfo })).body
    await server.call(scene.ann, 'POST', `${root}/api/auth/qr/${qrToken}/approve`)
    const login = await server.call(undefined, 'POST', `${root}/api/auth/login`, { qrToken, deviceInfo })
    t.same(problemsOf(login.body, CHATAPP_LOGIN), [], 'signing in')
    await server.call(scene.ben, 'POST', `${root}/api/messages`, { to: scene.ann.id, text: 'Live' })
    const live = await scene.ann.socket.hear('message:new', ({ text }) => text === 'Live')
    t.same(problemsOf(live, CHATAPP_MESSAGE), [], 'message:new')
  })
}

for (const root of ['', '/reals2chat']) {
  t.test(`document 3: every call at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    const scene = await openScene(t, server, reals2chat)
    await befriend(scene)
    await walkCalls(t, scene, root, REALS2CHAT_CALLS)
    const refused = await server.call(undefined, 'GET', `${root}/api/friends`)
    t.same(problemsOf(refused.body, REALS2CHAT_REFUSAL), [], 'a refusal')
  })
}

t.test('document 3: everything said is acknowledged and told in its shape', async t => {
  const server = await joinServer(t)
  const scene = await openScene(t, server, reals2chat)
  await befriend(scene)
  await walkSocket(t, scene, REALS2CHAT_SOCKET)
  scene.ben.socket.socket.close()
  const isThere = (is: boolean) => (data: { isOnline: boolean }) => data.isOnline === is
  t.same(problemsOf(await scene.ann.socket.hear('userStatus', isThere(false)), REALS2CHAT_PRESENCE), [], 'gone')
  const from = scene.ann.socket.heard.length
  await openSocket(t, server, reals2chat(scene.ben.token))
  t.same(problemsOf(await heardSince(scene.ann, 'userStatus', from, isThere(true)), REALS2CHAT_PRESENCE), [], 'back')
})

for (const root of ['', '/taatom']) {
  t.test(`document 4: every call at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    await walkCalls(t, await openScene(t, server, taatom), root, TAATOM_CALLS)
  })
}

t.test('document 4: everything said is acknowledged and told in its shape', async t => {
  const server = await joinServer(t)
  const scene = await openScene(t, server, taatom)
  await walkSocket(t, scene, TAATOM_SOCKET)
  scene.ben.socket.socket.close()
  t.same(problemsOf(await scene.ann.socket.hear('user:offline'), TAATOM_PRESENCE), [], 'user:offline')
  const from = scene.ann.socket.heard.length
  await openSocket(t, server, taatom(scene.ben.token))
  t.same(problemsOf(await heardSince(scene.ann, 'user:online', from), TAATOM_PRESENCE), [], 'user:online')
})
