import t from 'tap'
import { joinServer } from '../kit/helper.ts'
import { MOBILE_CALLS, MOBILE_PRESENCE, MOBILE_REFUSALS, MOBILE_SOCKET } from './documents/mobile.ts'
import { openScene, openSocket } from './documents/scene.ts'
import { problemsOf } from './documents/shape.ts'
import {
  UNIFIED_CALLS,
  UNIFIED_CATCH_UP,
  UNIFIED_CODE_SENT,
  UNIFIED_PRESENCE,
  UNIFIED_REFUSAL,
  UNIFIED_REQUEST,
  UNIFIED_SIGNED_IN,
  UNIFIED_SOCKET
} from './documents/unified.ts'
import { heardSince, walkCalls, walkSocket } from './documents/walk.ts'

const mobile = (token: string) => ({ namespace: '/mobile', auth: { token } })
const unified = (token: string) => ({ auth: { token } })

for (const root of ['', '/mobile']) {
  t.test(`document 0: every call at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    const scene = await openScene(t, server, mobile)
    await walkCalls(t, scene, root, MOBILE_CALLS)
    const refused = await server.call(scene.ann, 'GET', `${root}/conversations/${'f'.repeat(24)}`)
    t.same(problemsOf(refused.body, MOBILE_REFUSALS.rest), [], 'a refusal')
  })
}

t.test('document 0: everything said is acknowledged and told in its shape', async t => {
  const server = await joinServer(t)
  const scene = await openScene(t, server, mobile)
  await walkSocket(t, scene, MOBILE_SOCKET)
  const [online, offline] = MOBILE_PRESENCE.name
  scene.ben.socket.socket.close()
  t.same(problemsOf(await scene.ann.socket.hear(offline), MOBILE_PRESENCE.shape), [], offline)
  const from = scene.ann.socket.heard.length
  await openSocket(t, server, mobile(scene.ben.token))
  t.same(problemsOf(await heardSince(scene.ann, online, from), MOBILE_PRESENCE.shape), [], online)
  const refused = await scene.ann.socket.ask('message:edit', { messageId: 'f'.repeat(24), content: 'x' })
  t.same(problemsOf(refused, MOBILE_REFUSALS.socket), [], 'a refusal')
})

for (const root of ['', '/unified']) {
  t.test(`document 1: every call at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    await walkCalls(t, await openScene(t, server, unified), root, UNIFIED_CALLS)
    const refused = await server.call(undefined, 'GET', `${root}/auth/me`)
    t.same(problemsOf(refused.body, UNIFIED_REFUSAL), [], 'a refusal')
  })

  t.test(`document 1: signing in at ${root || '/'} is answered in its shape`, async t => {
    const server = await joinServer(t)
    const phone = '+4915112345678'
    const post = async (path: string, body: object) =>
      (await server.call(undefined, 'POST', `${root}/auth/${path}`, { phone, ...body })).body
    for (const [send, verify] of [
      ['send-otp', 'verify-otp-register'],
      ['send-otp-login', 'verify-otp-login']
    ] as const) {
      const sent = await post(send, {})
      t.same(problemsOf(sent, UNIFIED_CODE_SENT), [], send)
      const about = verify === 'verify-otp-register' ? { name: 'Ann', password: 'correct horse battery' } : {}
      t.same(problemsOf(await post(verify, { otp: sent.data.devCode, ...about }), UNIFIED_SIGNED_IN), [], verify)
    }
    t.same(problemsOf(await post('login', { password: 'correct horse battery' }), UNIFIED_SIGNED_IN), [], 'login')
  })
}

t.test('document 1: everything said is acknowledged and told in its shape', async t => {
  const server = await joinServer(t)
  const scene = await openScene(t, server, unified)
  const { ann, ben, stranger, direct } = scene
  await walkSocket(t, scene, UNIFIED_SOCKET)
  ben.socket.socket.close()
  const isOnline = (is: boolean) => (data: { online: boolean }) => data.online === is
  t.same(problemsOf(await ann.socket.hear('presence', isOnline(false)), UNIFIED_PRESENCE), [], 'presence, gone')
  await ann.socket.ask('send-message', { conversationId: direct, content: 'While you were away' })
  const from = ann.socket.heard.length
  await openSocket(t, server, unified(ben.token))
  t.same(problemsOf(await heardSince(ann, 'presence', from, isOnline(true)), UNIFIED_PRESENCE), [], 'presence, back')
  t.same(problemsOf(await ann.socket.hear('catchupDelivered'), UNIFIED_CATCH_UP), [], 'catchupDelivered')
  const other = await openSocket(t, server, unified(stranger.token))
  const { id } = (await server.call(ann, 'POST', '/chat-requests', { to: stranger.hex })).body.data
  t.same(problemsOf(await other.hear('chat_request'), UNIFIED_REQUEST), [], 'chat_request, to who is asked')
  await server.call(stranger, 'POST', `/chat-requests/${id}/accept`)
  t.same(problemsOf(await ann.socket.hear('chat_request'), UNIFIED_REQUEST), [], 'chat_request, to who asked')
})
