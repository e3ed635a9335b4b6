import fc from 'fast-check'
import { ObjectId } from 'mongodb'
import t from 'tap'
import { bareId } from '../../protocol/ids.ts'
import type { Subjects } from '../../src/app.ts'
import { hitsOf, readQuery } from '../../src/search/text/query.ts'
import { openDatabase } from '../kit/databases.ts'
import { openServices, type Person, startServer } from '../kit/helper.ts'
import { runs, seed } from '../property/history.ts'

const CONVERSATIONS = 12
const MESSAGES = 4_000

/** Words of eight scripts and emoji; few, so that they meet. */
const WORDS = [
  ...'the then there these café cafe resume résumé naïve Zürich zurich'.split(' '),
  ...'Straße strasse Müller Größe grosse über uber'.split(' '),
  ...'İstanbul ıstanbul ışık isik güneş'.split(' '),
  ...'Москва москве ёлка елка снег'.split(' '),
  ...'Αθήνα αθηνα ΟΔΟΣ οδός'.split(' '),
  ...'東京都 京都 東京 カタカナ ｶﾀｶﾅ ひらがな がく'.split(' '),
  ...'한국어 한국 김철수 철수'.split(' '),
  ...'ภาษาไทย ไทย กินข้าว'.split(' '),
  ...'שָׁלוֹם שלום مُحَمَّد محمد أحمد احمد'.split(' '),
  ...'👍 👍🏽 👨‍👩‍👧 🇩🇪 🇫🇷 ❤️'.split(' ')
]
const BETWEEN = [' ', ' ', ' ', ', ', '-', '']

/** A message as it was written. */
interface Said {
  readonly id: string
  readonly conversationId: string
  readonly at: number
  readonly text: string
}

t.test('a search finds all that a plain scan finds, and nothing else, in many scripts', async t => {
  const server = await startServer(t)
  const [ann, ben] = (await server.people(2)) as [Person, Person]
  const rooms: string[] = []
  for (let room = 0; room < CONVERSATIONS; room++) rooms.push(await server.group(ann, ben))
  const said = await write(await openDatabase(t, server.uri), rooms, ben)
  const services = await openServices(t, { uri: server.uri })
  await services.sealing.run()

  const words = fc.array(fc.tuple(fc.constantFrom(...WORDS), fc.constantFrom(' ', ' ', '', '-')), {
    minLength: 1,
    maxLength: 3
  })
  const asked = fc.tuple(words, fc.nat(6), fc.boolean(), fc.integer({ min: 0, max: CONVERSATIONS * 2 }))
  await fc.assert(
    fc.asyncProperty(asked, async ([parts, cut, isQuoted, room]) => {
      const whole = parts.flat().join('').trim()
      const begun = [...whole].slice(0, [...whole].length - cut).join('')
      const q = isQuoted ? `"${begun}"` : begun
      const query = readable(q)
      if (query === undefined) return
      const conversationId = rooms[room]
      const expected = said
        .filter(it => conversationId === undefined || it.conversationId === bareId(conversationId))
        .filter(({ text }) => hitsOf(query, text) !== undefined)
        .sort((a, b) => b.at - a.at)
        .map(({ id }) => id)
      const found = await findAll(services, ann, { q, limit: 100, ...(conversationId && { conversationId }) })
      if (found.join() !== expected.join()) throw new Error(`${q}: ${found.length} of ${expected.length}`)
    }),
    { numRuns: runs(60), seed: seed() }
  )
  t.pass('as a plain scan')
})

async function write(client: Awaited<ReturnType<typeof openDatabase>>, rooms: readonly string[], from: Person) {
  const db = client.db()
  const pick = <T>(list: readonly T[]) => list[Math.floor(Math.random() * list.length)] as T
  const start = Date.now() - MESSAGES * 10
  const docs = Array.from({ length: MESSAGES }, (_, n) => {
    const conversationId = new ObjectId(bareId(rooms[n % CONVERSATIONS] as string))
    const text = Array.from({ length: 1 + Math.floor(Math.random() * 6) }, () => pick(WORDS) + pick(BETWEEN)).join('')
    const seq = 1 + Math.floor(n / CONVERSATIONS)
    const place = {
      _id: new ObjectId(),
      conversationId,
      senderId: new ObjectId(from.hex),
      createdAt: new Date(start + n * 10)
    }
    return {
      ...place,
      seq: seq + 1,
      rev: seq + 2,
      createdRev: seq + 2,
      clientId: `w${n}`,
      bodyHash: '',
      type: 'text',
      text
    }
  })
  await db.collection('messages').insertMany(docs)
  for (const id of rooms) {
    const _id = new ObjectId(bareId(id))
    const count = docs.filter(it => it.conversationId.equals(_id)).length
    await db
      .collection('conversations')
      .updateOne({ _id }, { $inc: { seq: count, rev: count }, $currentDate: { changedAt: true } })
  }
  return docs.map(
    ({ _id, conversationId, createdAt, text }): Said => ({
      id: `msg_${_id.toHexString()}`,
      conversationId: conversationId.toHexString(),
      at: createdAt.getTime(),
      text
    })
  )
}

async function findAll({ messageSearch }: Subjects, { hex: userId }: Person, query: object): Promise<string[]> {
  const found: string[] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page = await messageSearch.find(
      { userId, expiresAt: Infinity },
      { ...query, ...(cursor === '' ? {} : { cursor }) }
    )
    found.push(...page.results.map(({ message }: { message: { id: string } }) => message.id))
    cursor = page.next
  }
  return found
}

function readable(q: string) {
  try {
    return readQuery(q)
  } catch {
    return undefined
  }
}
