import { ObjectId } from 'mongodb'
import t from 'tap'
import type { BusMessages } from '../../src/bus/bus.ts'
import { openServices, PASSWORD } from '../kit/helper.ts'

const TOPICS: Readonly<Record<keyof BusMessages, true>> = {
  conversation: true,
  user: true,
  ephemeral: true,
  presence: true,
  profile: true,
  sessionEnd: true,
  accountEnd: true
}

t.test('every message of the bus is what is left of it once it was JSON', async t => {
  const subjects = await openServices(t)
  const seen = new Map<string, number>()
  for (const topic of Object.keys(TOPICS) as (keyof BusMessages)[]) {
    subjects.bus.subscribe(topic, message => {
      const name = 'event' in message ? `${topic} ${message.event.type}` : topic
      seen.set(name, (seen.get(name) ?? 0) + 1)
      t.strictSame(JSON.parse(JSON.stringify(message)), message, name)
    })
  }
  await talk(subjects)
  const topics = new Set([...seen.keys()].map(name => name.split(' ', 1)[0]))
  t.strictSame(topics, new Set(Object.keys(TOPICS)), `heard of: ${[...seen.keys()].join(', ')}`)
  t.ok(seen.size >= 15, `${seen.size} kinds of messages`)
})

/** Does something of every kind that others are told of. */
async function talk(subjects: Awaited<ReturnType<typeof openServices>>): Promise<void> {
  const { auth, conversations, groups, messages, reactions, receipts, typing, preferences } = subjects
  const [ann, ben, cem] = await Promise.all(['ann', 'ben', 'cem'].map(async name => await signUp(auth, name)))
  if (ann === undefined || ben === undefined || cem === undefined) throw new Error('Three people are needed')
  subjects.presence.set(ann.userId, 'connection', 'online')
  const { id } = (await conversations.create(ann, { type: 'direct', userId: ben.userId })).conversation
  const { id: group } = (await conversations.create(ann, { type: 'group', name: 'Group', memberIds: [ben.userId] }))
    .conversation
  const { sent } = await messages.send(ann, { conversationId: id, clientId: 'one', text: 'One' })
  const place = { conversationId: id, messageId: sent.id }
  await reactions.add(ben, { ...place, emoji: '👍' })
  await messages.edit(ann, { ...place, text: 'Two' })
  await typing.start(ben, id)
  await typing.stop(ben, id)
  await receipts.mark(ben, id, { deliveredSeq: 1 })
  await receipts.mark(ben, id, { readSeq: 1, isCatchUp: true })
  await messages.hide(ben, place)
  await messages.deleteForEveryone(ann, place)
  await groups.add(ann, group, [cem.userId])
  await groups.setRole(ann, group, cem.userId, 'admin')
  await groups.update(ann, group, { name: 'Other' })
  await groups.remove(ann, group, cem.userId)
  await groups.leave(ben, group)
  await preferences.set(ben, id, { pinned: true, muted: true })
  await preferences.clear(ben, id)
  await subjects.users.update(ann, { displayName: 'Somebody else' })
  await subjects.settings.update(ann, { privacy: { lastSeen: 'nobody' } })
  await subjects.contacts.add(ann, ben.userId)
  const request = await subjects.requests.send(ann, { kind: 'friend', to: cem.userId })
  await subjects.requests.accept(cem, request.id)
  await subjects.blocks.add(ben, ann.userId)
  await subjects.blocks.remove(ben, ann.userId)
  await subjects.presence.remove(ann.userId, 'connection')
  await auth.logout(ann)
  await subjects.admin.disable(cem.userId)
}

async function signUp(auth: Awaited<ReturnType<typeof openServices>>['auth'], name: string) {
  const username = `${name}${new ObjectId().toHexString().slice(-8)}`
  const { userId, sessionId } = await auth.register({ username, password: PASSWORD }, '127.0.0.1')
  return { userId, sessionId, expiresAt: Date.now() + 3_600_000 }
}
