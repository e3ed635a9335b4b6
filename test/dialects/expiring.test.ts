import { MongoClient, ObjectId } from 'mongodb'
import t, { type Test } from 'tap'
import { bareId } from '../../protocol/ids.ts'
import { type Person, startServer } from '../kit/helper.ts'
import { APPS } from './apps/index.ts'
import { Recorder } from './apps/tape.ts'

/** The event by which each app hears that a message was deleted for everyone; some have none. */
const DELETED: Readonly<Record<string, string>> = {
  'canonical socket': 'message:deleted',
  mobile: 'message:deleted',
  unified: 'message_deleted',
  chatapp: 'message:deleted',
  taatom: 'message:deleted'
}

/** Ends messages earlier than their timer says. */
async function endNow(t: Test, uri: string, id: string): Promise<void> {
  const client = new MongoClient(uri, { writeConcern: { w: 'majority' } })
  t.teardown(async () => await client.close())
  const filter = { _id: new ObjectId(bareId(id)), expiresAt: { $exists: true } }
  const { matchedCount } = await client
    .db()
    .collection('messages')
    .updateOne(filter, { $set: { expiresAt: new Date() } })
  if (matchedCount !== 1) throw new Error('The message has no end')
}

t.test('a message that is over is a deletion in the words of each app, and in none of its answers', async t => {
  const server = await startServer(t, { env: { TIMINGS_EXPIRY_MS: '50' } })
  for (const app of APPS) {
    const [ann, ben] = (await server.people(2)) as [Person, Person]
    const id = bareId(await server.direct(ann, ben))
    await server.call(ann, 'PUT', `/v1/conversations/${id}/expiry`, { expireAfterSeconds: 60 })
    const signIn = async (person: Person, label: string) =>
      await app.signIn({ t, server, person, label, recorder: new Recorder() })
    const [one, other] = [await signIn(ann, 'ann'), await signIn(ben, 'ben')]
    const [toBen, toAnn] = [
      { id, peer: ben },
      { id, peer: ann }
    ]
    const before = await other.history(toAnn)
    const messageId = await one.send(toBen, 'Not for long')
    await other.listener.hear(app.event, data => app.textOf(data) === 'Not for long')
    t.same(await other.history(toAnn), [...before, 'Not for long'], `${app.name}: there`)
    await endNow(t, server.uri, messageId)
    const deleted = DELETED[app.name]
    if (deleted !== undefined) {
      const event = await other.listener.hear(deleted, data => JSON.stringify(data).includes(bareId(messageId)))
      t.notMatch(JSON.stringify(event), /Not for long/, `${app.name}: ${deleted}`)
    }
    t.same(await other.history(toAnn), before, `${app.name}: gone`)
    t.same(await one.history(toBen), before, `${app.name}: gone for who sent it`)
  }
})
