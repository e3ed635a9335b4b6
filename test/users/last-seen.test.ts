import { setTimeout as pause } from 'node:timers/promises'
import { type Collection, ObjectId } from 'mongodb'
import t from 'tap'
import { ServerProcess } from '../crash/rig.ts'
import { openDatabase } from '../kit/databases.ts'
import { ownDatabase } from '../kit/helper.ts'
import { SocketClient } from '../kit/socket-client.ts'

const PATIENCE_MS = 20_000

/** A person as far as these tests look. */
interface Seen {
  _id: ObjectId
  lastSeenAt?: Date
}

/** When somebody was seen last, as it is kept, once that is no earlier than a moment. */
async function keptFrom(users: Collection<Seen>, _id: ObjectId, moment: Date): Promise<Date> {
  const until = Date.now() + PATIENCE_MS
  for (;;) {
    const { lastSeenAt } = (await users.findOne({ _id })) ?? {}
    if (lastSeenAt !== undefined && lastSeenAt >= moment) return lastSeenAt
    if (Date.now() > until) throw new Error(`Not seen from ${moment.toISOString()} on: ${lastSeenAt?.toISOString()}`)
    await pause(10)
  }
}

t.test('U43: after a crash somebody was last seen about when it was, and not the time before', async t => {
  const uri = ownDatabase(t)
  const users = (await openDatabase(t, uri)).db().collection<Seen>('users')
  for (const [says, env, laterMs] of [
    ['coming is kept', {}, 0],
    ['so is being there', { TIMINGS_SIGHTING_MS: '20' }, 100]
  ] as const) {
    const server = await ServerProcess.run(t, uri, env)
    const [ann, ben] = await server.people(2)
    if (ann === undefined || ben === undefined) throw new Error('There are two')
    const _id = new ObjectId(ben.id.slice('user_'.length))
    await users.updateOne({ _id }, { $set: { lastSeenAt: new Date(Date.now() - 3_600_000) } })
    const back = new Date()
    const socket = await SocketClient.open(`${server.url.replace('http', 'ws')}/ws`)
    t.teardown(() => socket.terminate())
    await socket.ask('hello', { token: ben.token })
    const seen = await keptFrom(users, _id, new Date(back.getTime() + laterMs))
    await server.kill()
    await server.start()
    const [presence] = (await server.call(ann, 'GET', `/presence?ids=${ben.id}`)).presence
    t.match(presence, { status: 'offline' })
    t.ok(new Date(presence.lastSeenAt) >= seen, `${says}: ${presence.lastSeenAt}`)
    await server.kill()
  }
})
