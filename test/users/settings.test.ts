import t from 'tap'
import { openDatabase } from '../kit/databases.ts'
import { type Person, startServer } from '../kit/helper.ts'

const DEFAULTS = {
  notifications: { enabled: true, messageNotifications: true, groupNotifications: true, sound: true, vibration: true },
  privacy: {
    ...{ lastSeen: 'everyone', profilePhoto: 'everyone', about: 'everyone' },
    ...{ findByPhone: 'everyone', findByEmail: 'everyone', whoMayStart: 'everyone', whoMayAdd: 'everyone' },
    nameInForwards: 'everyone'
  },
  theme: 'system',
  language: 'en'
}
const PATH = '/v1/users/me/settings'

t.test('settings have defaults, a partial change keeps the rest, and every device hears of it', async t => {
  const server = await startServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const socket = await server.connect(ann)
  t.strictSame((await server.call(ann, 'GET', PATH)).body, DEFAULTS)
  const first = await server.call(ann, 'PATCH', PATH, { privacy: { lastSeen: 'nobody' }, theme: 'dark' })
  const wanted = { ...DEFAULTS, privacy: { ...DEFAULTS.privacy, lastSeen: 'nobody' }, theme: 'dark' }
  t.strictSame(first.body, wanted)
  t.match(await socket.next('settings:updated'), { stream: ann.id, rev: 1, data: wanted })
  const second = await server.call(ann, 'PATCH', PATH, { notifications: { sound: false }, language: 'pt-BR' })
  const both = { ...wanted, notifications: { ...DEFAULTS.notifications, sound: false }, language: 'pt-BR' }
  t.strictSame(second.body, both)
  t.strictSame((await server.call(ann, 'GET', PATH)).body, both)
  t.strictSame((await server.call(ben, 'GET', PATH)).body, DEFAULTS, 'only one’s own')
  t.strictSame((await server.call(ann, 'PATCH', PATH, {})).body, both, 'nothing changes nothing')
  t.strictSame((await server.call(ann, 'PATCH', PATH, { privacy: {} })).body, both)
  const page = await socket.ask('sync:pull', { stream: ann.id, since: 0 })
  t.match(page, { rev: 2, items: [{ type: 'settings', rev: 2, settings: both }] })
})

t.test('changes at the same time all count, in one row', async t => {
  const server = await startServer(t)
  const client = await openDatabase(t, server.uri)
  const ann = await server.person()
  const changes = [
    { theme: 'light' },
    { language: 'fr' },
    { privacy: { about: 'contacts' } },
    { privacy: { profilePhoto: 'nobody' } },
    { notifications: { enabled: false } },
    { notifications: { vibration: false } }
  ]
  const answers = await Promise.all(changes.map(async body => await server.call(ann, 'PATCH', PATH, body)))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
  t.strictSame((await server.call(ann, 'GET', PATH)).body, {
    notifications: { ...DEFAULTS.notifications, enabled: false, vibration: false },
    privacy: { ...DEFAULTS.privacy, about: 'contacts', profilePhoto: 'nobody' },
    theme: 'light',
    language: 'fr'
  })
  t.equal(await client.db().collection('settings').countDocuments(), 1)
})

t.test('bad input is refused', async t => {
  const server = await startServer(t)
  const ann = await server.person()
  const bodies: unknown[] = [
    { theme: 'blue' },
    { privacy: { lastSeen: 'friends' } },
    { privacy: { lastSeen: { $ne: 'nobody' } } },
    { privacy: { 'x.y': 'nobody' } },
    { privacy: null },
    { notifications: { sound: 'yes' } },
    { notifications: { loud: true } },
    { language: '$where' },
    { userId: ann.id },
    [],
    'text'
  ]
  for (const body of bodies) {
    const answer = await server.call(ann, 'PATCH', PATH, body)
    t.match(answer, { status: 400, body: { error: { code: /^(invalid|bad_frame)$/ } } }, JSON.stringify(body))
  }
  t.strictSame((await server.call(ann, 'GET', PATH)).body, DEFAULTS)
})
