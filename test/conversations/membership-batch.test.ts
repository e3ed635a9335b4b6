import t from 'tap'
import { GroupService } from '../../src/conversations/groups.ts'
import { LargeChanges } from '../../src/conversations/large-changes.ts'
import { ObjectId } from '../../src/database/object-id.ts'
import { Budgets } from '../../src/limits/budgets.ts'
import { openServices } from '../kit/helper.ts'

t.test(
  'who is added, removed and added again at once is told each, in dense revs, and nobody misses anything',
  async t => {
    const { store, bus, config, conversations, messages } = await openServices(t)
    const [ann, ben] = ['Ann', 'Ben'].map(displayName => ({ _id: new ObjectId(), displayName, createdAt: new Date() }))
    if (ann === undefined || ben === undefined) throw new Error('Two people are needed')
    await Promise.all([ann, ben].map(async user => await store.users.insert(user)))
    const actor = { userId: ann._id.toHexString(), expiresAt: Date.now() + 60_000 }
    const other = ben._id.toHexString()
    const { id } = (await conversations.create(actor, { type: 'group', name: 'Group' })).conversation
    const told: string[] = []
    bus.subscribe('conversation', ({ event, rev }) => told.push(`${event.type} ${rev}`))
    bus.subscribe('user', ({ userId, event, rev }) => userId === other && told.push(`${event.type} ${rev}`))
    const send = async (clientId: string) => await messages.send(actor, { conversationId: id, clientId, text: 'Hi' })
    const groups = new GroupService({
      store,
      config,
      blocks: { requireUnblocked: async () => undefined },
      users: { requireUsers: async () => await Promise.resolve() },
      consent: { requireMayAdd: async () => await Promise.resolve() },
      largeChanges: new LargeChanges(),
      budgets: new Budgets(config.limits)
    })
    const turn = async (): Promise<unknown> => await new Promise(resolve => setImmediate(resolve))
    // While the first is being committed the others gather, and go together.
    const all: Promise<unknown>[] = [send('first')]
    await turn()
    for (const next of [
      async () => await groups.add(actor, id, [other]),
      async () => await groups.remove(actor, id, other),
      async () => await send('second'),
      async () => await groups.add(actor, id, [other]),
      async () => await groups.remove(actor, id, other),
      async () => await send('last')
    ]) {
      all.push(next())
      for (let tick = 0; tick < 5; tick += 1) await Promise.resolve()
    }
    await Promise.all(all)
    await turn()
    const revs = told.filter(it => !it.startsWith('conversation:')).map(it => Number(it.split(' ')[1]))
    t.same(
      revs,
      revs.map((_, index) => index + 3),
      'of the conversation'
    )
    const account = told.filter(it => it.startsWith('conversation:'))
    t.same(
      account,
      account.map((it, index) => `${it.split(' ')[0]} ${index + 1}`),
      'of the account'
    )
    t.same(
      account.map(it => it.split(' ')[0]),
      ['conversation:added', 'conversation:removed', 'conversation:added', 'conversation:removed']
    )
    t.equal(revs.length, 7 + 4, 'each coming and going is recorded')
  }
)
