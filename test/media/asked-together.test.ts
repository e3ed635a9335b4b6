import { ObjectId } from 'mongodb'
import t from 'tap'
import type { MessageDoc } from '../../src/store/documents.ts'
import { openDatabase } from '../kit/databases.ts'
import type { Person } from '../kit/helper.ts'
import { fetched, startWithFiles, upload } from './upload.ts'

t.test('many who ask for many files at once each get what they may see, and nothing else', async t => {
  const server = await startWithFiles(t)
  const people = (await server.people(4)) as [Person, Person, Person, Person]
  const [ann, ben, cid, dan] = people
  const rooms = [await server.group(ann, ben, cid), await server.group(ann, ben, dan)] as const
  const addresses: { url: string; text: string; room: number }[] = []
  for (const index of [0, 1, 2, 3, 4, 5]) {
    const room = index % 2
    const { url } = (await upload(server, ann, `File ${index}`)).body
    const message = { clientId: `f${index}`, type: 'file', attachments: [{ type: 'file', url }] }
    await server.call(ann, 'POST', `/v1/conversations/${rooms[room]}/messages`, message)
  }
  for (const [room, id] of rooms.entries()) {
    const { messages } = (await server.call(ben, 'GET', `/v1/conversations/${id}/messages`)).body
    for (const { attachments, clientId } of messages) {
      if (attachments) addresses.push({ url: attachments[0].url, text: `File ${clientId.slice(1)}`, room })
    }
  }
  t.equal(addresses.length, 6)
  const ask = async ({ token }: Person, url: string) => await fetched(url, { authorization: `Bearer ${token}` })
  const seen = async () =>
    await Promise.all(
      people.map(
        async who =>
          await Promise.all(
            addresses.map(async ({ url, text }) => {
              const { status, bytes } = await ask(who, url)
              return status === 200 ? bytes.toString() === text : status
            })
          )
      )
    )
  const byRoom = (first: unknown, second: unknown) => addresses.map(({ room }) => (room === 0 ? first : second))
  const expected = [byRoom(true, true), byRoom(true, true), byRoom(true, 404), byRoom(404, true)]
  t.same(await seen(), expected)
  t.same(await Promise.all(addresses.map(async ({ url }) => (await fetched(url)).status)), byRoom(200, 200))

  await t.test('also where a file is in more messages than are read together', async t => {
    const messages = (await openDatabase(t, server.uri)).db().collection<MessageDoc>('messages')
    const last = await messages.findOne({ 'attachments.fileId': { $exists: true } }, { sort: { _id: 1 } })
    if (last === null) throw new Error('The message is kept elsewhere')
    const copies = Array.from({ length: 1_200 }, (_, index) => {
      return { ...last, _id: new ObjectId(), seq: 1_000 + index, rev: 1_000 + index, clientId: `copy-${index}` }
    })
    await messages.insertMany(copies)
    t.same(await seen(), expected)
  })

  await t.test('and who is removed meanwhile sees nothing from then on', async t => {
    await server.call(ann, 'DELETE', `/v1/conversations/${rooms[0]}/members/user_${ben.hex}`)
    t.same((await seen())[1], byRoom(404, true))
  })
})
