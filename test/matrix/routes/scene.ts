import type { Test } from 'tap'
import { bare } from '../../dialects/apps/line.ts'
import { type Person, startServer, type TestServer } from '../../kit/helper.ts'
import { Writes } from '../../kit/writes.ts'
import { uploadInPieces } from '../../media/tus.ts'
import type { Ids } from './request.ts'

/** Said where strangers must not hear it. */
export const SECRET_TEXT = 'Nobody else may read this'

/** A server where people have talked. */
export interface Scene {
  readonly server: TestServer
  /** Of the chats below. */
  readonly ann: Person
  readonly ben: Person
  /** Was in the group, and was removed. */
  readonly dave: Person
  /** Has never been in any of them. */
  readonly eve: Person
  /** Ann’s chat with Ben, a message of hers there, and a request of hers. */
  readonly direct: Ids
  /** Ann’s group, and a message of hers there. */
  readonly group: Ids
  /** Writes from here on. */
  readonly writes: Writes
}

export async function openScene(t: Test): Promise<Scene> {
  // Who is refused too often loses the connection.
  const server = await startServer(t, { env: { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000' } })
  const [ann, ben, cleo, dave, eve] = (await server.people(5)) as [Person, Person, Person, Person, Person]
  const req = bare((await server.call(ann, 'POST', '/v1/requests', { kind: 'chat', to: cleo.id })).body.id)
  const [direct, group] = [await server.direct(ann, ben), await server.group(ann, ben, dave)]
  const say = async (conversationId: string, clientId: string) => {
    const message = { clientId, text: SECRET_TEXT }
    return bare((await server.call(ann, 'POST', `/v1/conversations/${conversationId}/messages`, message)).body.id)
  }
  const [inDirect, inGroup] = [await say(direct, 'a'), await say(group, 'b')]
  await server.call(ann, 'DELETE', `/v1/conversations/${group}/members/${dave.id}`)
  const file = bare((await uploadInPieces(server, ann, SECRET_TEXT)).id)
  const writes = await Writes.watch(t, server.uri)
  return {
    ...{ server, ann, ben, dave, eve, writes },
    direct: { user: ben.hex, conv: bare(direct), msg: inDirect, req, file },
    group: { user: ben.hex, conv: bare(group), msg: inGroup, req, file }
  }
}

/** Things of a person: a group with a message, and a request. */
export async function ownThings({ server, ben }: Scene, who: Person): Promise<Ids> {
  const group = await server.group(who)
  const message = { clientId: 'own', text: 'Mine' }
  const { body } = await server.call(who, 'POST', `/v1/conversations/${group}/messages`, message)
  const request = await server.call(who, 'POST', '/v1/requests', { kind: 'chat', to: ben.id })
  const file = bare((await uploadInPieces(server, who, 'Mine')).id)
  return { user: ben.hex, conv: bare(group), msg: bare(body.id), req: bare(request.body.id), file }
}
