import { type Document, MongoClient, ObjectId } from 'mongodb'
import type { Test } from 'tap'
import { mintToken, type Person, type TestServer } from '../helper.ts'
import type { Actions, App, Chat, Hearing, Session } from './apps/app.ts'
import { canonicalActions } from './apps/canonical.ts'
import { Recorder } from './apps/tape.ts'

/** Speaker in a talk: what the app cannot do is done by Parley’s own API. */
export interface Speaker extends Actions {
  readonly person: Person
  readonly session: Session
  readonly listener: Hearing
}

/** A talk that has ended. */
export interface Talk {
  readonly recorder: Recorder
  readonly ann: Speaker
  readonly ben: Speaker
  readonly cleo: Speaker
  readonly direct: Chat
  readonly group: Chat
}

/** A person with a name by which they are found. */
export async function namedPerson(server: TestServer, name: string): Promise<Person> {
  const hex = new ObjectId().toHexString()
  const person = { hex, id: `user_${hex}`, token: await mintToken(hex, { name: `${name} Example` }) }
  await server.call(person, 'GET', '/v1/auth/me')
  return person
}

/** Signs somebody in. */
export async function speaker(
  t: Test,
  app: App,
  server: TestServer,
  { person, label, recorder }: { person: Person; label: string; recorder: Recorder }
): Promise<Speaker> {
  const session = await app.signIn({ t, server, person, label, recorder })
  const besides = canonicalActions({ t, server, person, label, recorder: new Recorder() })
  const isKnown = ({ peer }: Chat, replyTo?: string) => peer !== undefined && replyTo === undefined
  const send: Actions['send'] = async (chat, text, replyTo) =>
    await (app.isDirectOnly && !isKnown(chat, replyTo) ? besides : session).send(chat, text, replyTo)
  return { ...besides, ...session, send, person, session, listener: session.listener }
}

/** The whole talk of Ann, Ben and Cleo through one kind of app. */
export async function talk(t: Test, app: App, server: TestServer): Promise<Talk> {
  const recorder = new Recorder()
  const enter = async (name: string) =>
    await speaker(t, app, server, { person: await namedPerson(server, name), label: name.toLowerCase(), recorder })
  const ann = await enter('Ann')
  const ben = await enter('Ben')
  const cleo = await enter('Cleo')
  t.equal(await ann.find('Ben'), ben.person.hex, 'finds')
  const id = await begin(ann, ben)
  const scene = { t, app, ann, ben, cleo, direct: { id } }
  await chat(scene)
  await keep(scene)
  const group = { id: await ann.group('Three', [ben.person, cleo.person]) }
  await chatInGroup(scene, group)
  t.same(new Set(await ann.list()), new Set([id, group.id]), 'lists both')
  return { recorder, ann, ben, cleo, direct: scene.direct, group }
}

interface Scene {
  readonly t: Test
  readonly app: App
  readonly ann: Speaker
  readonly ben: Speaker
  readonly cleo: Speaker
  readonly direct: Chat
}

/** By a request where the app has them, by opening the chat otherwise. */
async function begin(ann: Speaker, ben: Speaker): Promise<string> {
  const { request, accept } = ann.session
  if (request !== undefined && accept !== undefined) return await ben.accept(await request(ben.person))
  return await ann.start(ben.person)
}

/** A message that somebody hears live. @returns its id */
async function pass({ app }: Scene, to: Speaker, said: () => Promise<string>, text: string): Promise<string> {
  const [id] = await Promise.all([said(), to.listener.hear(app.event, data => app.textOf(data) === text)])
  return id
}

async function chat(scene: Scene): Promise<void> {
  const { t, ann, ben, direct } = scene
  const [toBen, toAnn] = [
    { ...direct, peer: ben.person },
    { ...direct, peer: ann.person }
  ]
  const hello = await pass(scene, ben, async () => await ann.send(toBen, 'Hello'), 'Hello')
  const answer = await pass(scene, ann, async () => await ben.send(toAnn, 'Hello to you', hello), 'Hello to you')
  await ann.react(toBen, answer, '👍')
  await ann.edit(toBen, hello, 'Hello there')
  const oops = await pass(scene, ben, async () => await ann.send(toBen, 'Oops'), 'Oops')
  await ann.remove(toBen, oops)
  t.same(await ben.history(toAnn), ['Hello there', 'Hello to you'], 'reply, edit and deletion')
  await ann.read(toBen, answer)
  await ben.read(toAnn, oops)
}

async function keep(scene: Scene): Promise<void> {
  const { t, ann, ben, direct } = scene
  const [toBen, toAnn] = [
    { ...direct, peer: ben.person },
    { ...direct, peer: ann.person }
  ]
  await ben.mute(toAnn)
  await ben.block(ann.person)
  const refusal = await ann.send(toBen, 'Blocked').catch((error: unknown) => error)
  t.match(refusal, { code: 'blocked' }, 'who is blocked is refused')
  await ben.unblock(ann.person)
  const again = await pass(scene, ben, async () => await ann.send(toBen, 'Again'), 'Again')
  for (const [reader, chat] of [
    [ann, toBen],
    [ben, toAnn]
  ] as const)
    await reader.read(chat, again)
  await ben.clear(toAnn)
  t.same(await ben.history(toAnn), [], 'cleared for the one')
  t.same(await ann.history(toBen), ['Hello there', 'Hello to you', 'Again'], 'and not for the other')
}

async function chatInGroup(scene: Scene, group: Chat): Promise<void> {
  const { app, ann, ben, cleo } = scene
  const tell = async (to: Speaker, text: string) => {
    const said = async () => await ann.send(group, text)
    await (app.isDirectOnly ? said() : pass(scene, to, said, text))
  }
  await ann.promote(group, cleo.person)
  await tell(ben, 'Hello all')
  await cleo.expel(group, ben.person)
  await tell(cleo, 'The end')
}

/** State after a talk, without ids and times. */
export async function remains(t: Test, uri: string, { ann, ben, cleo, direct, group }: Talk): Promise<object> {
  const client = new MongoClient(uri, { readConcern: { level: 'majority' } })
  t.teardown(async () => await client.close())
  const db = client.db()
  const people = Object.entries({ ann, ben, cleo }).map(([name, { person }]) => [person.hex, name] as const)
  const messages = await db.collection('messages').find().sort({ conversationId: 1, seq: 1 }).toArray()
  const seqs = messages.map(({ _id, seq }) => [_id.toHexString(), `message ${seq}`] as const)
  const names = new Map([...people, [direct.id, 'direct'], [group.id, 'group'], ...seqs])
  const nameOf = (id: ObjectId) => names.get(id.toHexString())
  const conversations = await db.collection('conversations').find().sort({ type: 1 }).toArray()
  const members = await db.collection('members').find().sort({ conversationId: 1, userId: 1 }).toArray()
  return {
    conversations: conversations.map(({ _id, type, name, seq, memberCount, blockedBy = [] }) => ({
      ...{ it: nameOf(_id), type, name, seq, memberCount, blockedBy: blockedBy.map(nameOf) }
    })),
    members: members.map(it => memberOf(it, nameOf)),
    messages: messages.map(it => messageOf(it, nameOf)),
    blocks: await db.collection('blocks').countDocuments()
  }
}

type NameOf = (id: ObjectId) => string | undefined

/** Without how far messages were delivered: some apps say it, for others the server notes it. */
function memberOf({ conversationId, userId, role, leftAt, joinedSeq, ...rest }: Document, nameOf: NameOf): object {
  const { readSeq, clearedSeq, preferences } = rest
  return {
    ...{ in: nameOf(conversationId), who: nameOf(userId), role, isGone: leftAt !== undefined },
    ...{ joinedSeq, readSeq, clearedSeq, isMuted: preferences?.mutedUntil !== undefined }
  }
}

function messageOf({ conversationId, senderId, seq, type, text, ...rest }: Document, nameOf: NameOf): object {
  const { reactions = [], replyTo, system, editedAt, deletedAt } = rest
  return {
    ...{ in: nameOf(conversationId), seq, from: nameOf(senderId), type, text, note: system?.kind },
    ...{ isEdited: editedAt !== undefined, isDeleted: deletedAt !== undefined },
    replyTo: replyTo && nameOf(replyTo.messageId),
    reactions: reactions.map((it: { emoji: string; userIds: ObjectId[] }) => [it.emoji, ...it.userIds.map(nameOf)])
  }
}
