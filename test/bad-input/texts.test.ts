import t from 'tap'
import { joinServer, PASSWORD, type Person, startServer } from '../kit/helper.ts'

const NUMBERS = [
  '\u202a+49 151 12345678\u202c',
  '\u2066+49 151 12345678\u2069',
  '\u200e+49 151 12345678',
  'tel:+49-151-12345678',
  'TEL:0049 151 12345678'
]

t.test('U18: a phone number is known as phones and address books write it', async t => {
  const server = await startServer(t, { env: { OTP_DELIVERY: 'log' } })
  const [ann] = (await server.people(1)) as [Person]
  const phone = '+4915112345678'
  const { devCode: code } = (await server.call(undefined, 'POST', '/v1/auth/otp', { purpose: 'register', phone })).body
  const verify = async (purpose: string, phone: string, code: string) =>
    await server.call(undefined, 'POST', '/v1/auth/otp/verify', { purpose, phone, code, password: PASSWORD })
  const { status, body } = await verify('register', NUMBERS[0] ?? '', ` ${code}\n`)
  t.equal(status, 200, 'a code may have blanks around it (U35)')
  for (const number of NUMBERS) {
    const signIn = { phone: number, password: PASSWORD }
    t.equal((await server.call(undefined, 'POST', '/v1/auth/login', signIn)).status, 200, escape(number))
    const contacts = [{ phone: number }]
    const synced = await server.call(ann, 'POST', '/v1/contacts/sync', { contacts })
    t.match(synced.body.matches, [{ user: { id: body.user.id } }], escape(number))
    const found = await server.call(ann, 'GET', `/v1/users/search?q=${encodeURIComponent(number)}`)
    t.match(found.body.users, [{ id: body.user.id }], escape(number))
  }
  for (const wrong of ['tel:', 'tel:+49', 'tel:tel:+4915112345678', '\u202a\u202c\u202a'])
    t.equal((await server.call(undefined, 'POST', '/v1/auth/login', { phone: wrong, password: PASSWORD })).status, 400)
})

t.test('U19: what shows nothing is no name and no message, in any place', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const group = await server.group(ann, ben)
  const nothing = [
    '\u200b',
    '\u2060',
    '\u00ad',
    '\ufe0f',
    '\u3164',
    '\u115f',
    '\uffa0',
    '\u2800',
    '  ',
    '\u3000',
    '\u{1d159}'
  ]
  const refused = { status: 400, body: { error: { code: 'invalid' } } }
  for (const name of nothing) {
    const path = `/v1/conversations/${group}`
    t.match(await server.call(ann, 'PATCH', '/v1/users/me', { displayName: name }), refused, escape(name))
    t.match(await server.call(ann, 'PATCH', path, { name }), refused, escape(name))
    t.match(await server.call(ann, 'POST', '/v1/conversations', { type: 'group', name }), refused, escape(name))
    t.match(await server.call(ann, 'POST', `${path}/messages`, { clientId: 'a', text: name }), refused, escape(name))
    t.equal((await server.call(ann, 'POST', '/groups', { name, memberIds: [ben.hex] })).status, 400, escape(name))
  }
  t.equal((await server.call(ann, 'GET', `/v1/conversations/${group}`)).body.name, 'Group')
  t.equal((await server.call(ann, 'PATCH', `/v1/conversations/${group}`, { name: ' ❤️ ' })).status, 200)
  t.equal((await server.call(ann, 'GET', `/v1/conversations/${group}`)).body.name, '❤️')
})

t.test('U19: half a character is refused in what a group is called', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const group = await server.group(ann, ben)
  const refused = { status: 400, body: { error: { code: 'invalid' } } }
  for (const texts of [{ name: 'a\ud83db' }, { description: '\ud83d' }]) {
    t.match(await server.call(ann, 'PATCH', `/v1/conversations/${group}`, texts), refused)
    t.match(await server.call(ann, 'POST', '/v1/conversations', { type: 'group', name: 'x', ...texts }), refused)
  }
})

t.test('U33: a moment is taken as RFC 3339 writes it', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const path = `/v1/conversations/${await server.direct(ann, ben)}/preferences`
  const mute = async (mutedUntil: string) => await server.call(ann, 'PATCH', path, { mutedUntil })
  for (const [written, kept] of [
    ['2036-12-01T10:00:00.000Z', '2036-12-01T10:00:00.000Z'],
    ['2036-12-01T10:00:00Z', '2036-12-01T10:00:00.000Z'],
    ['2036-12-01T10:00:00+02:00', '2036-12-01T08:00:00.000Z'],
    ['2036-12-01t10:00:00.123456z', '2036-12-01T10:00:00.123Z']
  ] as const)
    t.match(await mute(written), { status: 200, body: { preferences: { mutedUntil: kept } } }, written)
  for (const wrong of [
    '2036-12-01',
    '2036-12-01T10:00:00',
    '2036-13-01T10:00:00Z',
    '2036-12-01T10:00:00+99:00',
    'tomorrow'
  ])
    t.match(await mute(wrong), { status: 400, body: { error: { code: 'invalid' } } }, wrong)
  const { TZ: zone } = process.env
  t.teardown(() => Object.assign(process.env, { TZ: zone ?? 'UTC' }))
  process.env['TZ'] = 'America/New_York'
  const mobile = `/mobile${path.replace('/v1', '').replace('preferences', 'mute')}`
  t.match(
    (await server.call(ann, 'PUT', mobile, { until: '2036-12-01T10:00:00' })).body.data,
    { mutedUntil: '2036-12-01T10:00:00.000Z' },
    'without a zone it is UTC, wherever the server is'
  )
})

t.test('U35: a blank around a sign-in name does not count', async t => {
  const server = await joinServer(t)
  const { username: own = '' } = (await server.signUp()).user
  for (const username of [`${own} `, ` ${own}`, `\t${own.toUpperCase()}\n`])
    for (const path of ['/v1/auth/login', '/auth/login'])
      t.equal((await server.call(undefined, 'POST', path, { username, password: PASSWORD })).status, 200, path)
  const email = { email: ' nobody@parley.example ', password: PASSWORD }
  t.equal((await server.call(undefined, 'POST', '/v1/auth/login', email)).status, 401, 'well-formed, but nobody’s')
})

t.test('U42: a number that JavaScript does not keep is refused', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const socket = await server.connect(ann)
  const conversationId = await server.direct(ann, ben)
  const send = async (clientId: string, id: number) =>
    await socket.ask('message:send', { conversationId, clientId, text: 'x', metadata: { deep: [{ id }] } })
  for (const [index, id] of [Number('12345678901234567890'), -(2 ** 53), 1e300].entries())
    t.match(await send(`a${index}`, id).catch(({ error }) => error), { code: 'invalid' }, String(id))
  for (const [index, id] of [2 ** 53 - 1, 0.1, -1e-7].entries()) t.ok((await send(`b${index}`, id)).seq)
})

t.test('U74: a link holds nothing hidden, no password, and is one that can be read', async t => {
  const server = await joinServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const path = `/v1/conversations/${await server.direct(ann, ben)}/messages`
  const wrong = [
    'https://a.example/\u0000\u001b[31mx',
    'https://a.example/\u202egnp.exe',
    'https://a.example/\u007f',
    'https://[',
    'https://',
    'https:///path',
    'https://user:pw@a.example/',
    'https://a.example:port/',
    'javascript:alert(1)'
  ]
  const right = [
    'https://a.example',
    'http://localhost:3000/x?y=1#z',
    'https://[2001:db8::1]:8080/ä',
    'https://bücher.example/@ann'
  ]
  for (const [index, url] of [...wrong, ...right].entries()) {
    const isRight = index >= wrong.length
    const set = await server.call(ann, 'PATCH', '/v1/users/me', { avatarUrl: url })
    t.equal(set.status, isRight ? 200 : 400, escape(url))
    const attachments = [{ type: 'image', url }]
    const sent = await server.call(ann, 'POST', path, { clientId: `c${index}`, type: 'image', attachments })
    t.equal(sent.status, isRight ? 201 : 400, escape(url))
  }
})
