import t from 'tap'
import { newPhone, registerPhone } from '../../dialects/unified/scene.ts'
import { openDatabase } from '../../kit/databases.ts'
import { joinServer } from '../../kit/helper.ts'
import { forgedFields } from '../routes/forgery.ts'

t.test('who registers or signs in by a code is themselves, whatever else they write', async t => {
  const server = await joinServer(t)
  const victim = await server.person()
  const { name, ...forged } = { name: 'Somebody', ...forgedFields(victim), _id: victim.hex, id: victim.hex }
  const database = await openDatabase(t, server.uri)
  const fieldsOf = async (answer: { body: { data: { user: { id: string } } } }) => {
    const users = await database.db().collection('users').find().toArray()
    const user = users.find(({ _id }) => _id.toHexString() === answer.body.data.user.id)
    return new Set(Object.keys(user ?? {}))
  }
  const plain = await registerPhone(server, newPhone(), { name })
  const phone = newPhone()
  const registered = await registerPhone(server, phone, { ...forged, name })
  t.not(registered.hex, victim.hex)
  t.same(await fieldsOf(registered.answer), await fieldsOf(plain.answer), 'nothing else is kept')
  const again = await registerPhone(server, phone, { ...forged, phone, name })
  t.equal(again.hex, registered.hex, 'signs in as the same person')
  const { text } = await server.call(victim, 'GET', '/v1/users/me')
  t.notMatch(text, phone)
})

t.test('who approves a code signs nobody in but themselves', async t => {
  const server = await joinServer(t)
  const { accessToken: token, user } = await server.signUp()
  const victim = await server.person()
  const deviceInfo = { platform: 'web', deviceId: 'browser', ...forgedFields(victim) }
  const { qrToken } = (await server.call(undefined, 'POST', '/api/auth/qr', { deviceInfo })).body
  const approve = `/api/auth/qr/${qrToken}/approve`
  t.equal((await server.call({ token }, 'POST', approve, forgedFields(victim))).status, 200)
  const { body } = await server.call(undefined, 'POST', '/api/auth/login', {
    ...{ qrToken, deviceInfo },
    ...forgedFields(victim)
  })
  t.match(body, { success: true, userId: user.id })
  t.equal((await server.call(body, 'GET', '/v1/users/me')).body.id, user.id)
})
