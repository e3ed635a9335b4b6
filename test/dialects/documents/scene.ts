import type { Test } from 'tap'
import type { Person, TestServer } from '../../helper.ts'
import { PacketClient, type PacketOptions } from '../../packet-client.ts'
import { bare } from '../apps/line.ts'
import type { Guest, Scene } from './walk.ts'

let people = 0

/** Create a person with every field. */
async function fullPerson(server: TestServer, name: string): Promise<Person & { readonly phone: string }> {
  people += 1
  const phone = `+4915113${String(people).padStart(6, '0')}`
  const username = `${name.toLowerCase()}${people}`
  const account = { phone, username, email: `${username}@example.com`, displayName: name }
  const { user, accessToken } = await server.signUp(account)
  const person = { hex: bare(user.id), id: user.id, token: accessToken }
  const profile = { bio: `I am ${name}`, avatarUrl: `https://example.com/${name}.png`, publicKey: 'key' }
  await server.call(person, 'PATCH', '/v1/users/me', { ...profile, statusText: 'Here' })
  return { ...person, phone }
}

/** The app’s socket of somebody, which has caught up. */
export async function openSocket(t: Test, server: TestServer, options: PacketOptions): Promise<PacketClient> {
  const socket = await PacketClient.open(t, server.url, options)
  // Whatever it says is answered when it has caught up.
  await socket.ask('nothing', {})
  return socket
}

/** People with full profiles who have said something. @param optionsFor how the app opens its socket */
export async function openScene(
  t: Test,
  server: TestServer,
  optionsFor: (token: string) => PacketOptions
): Promise<Scene> {
  const [ann, ben, cleo, stranger] = [
    await fullPerson(server, 'Ann'),
    await fullPerson(server, 'Ben'),
    await fullPerson(server, 'Cleo'),
    await fullPerson(server, 'Dora')
  ]
  const [direct, group] = [await server.direct(ann, ben), await server.group(ann, ben)]
  const say = async (who: Person, conversationId: string, clientId: string) => {
    const said = { clientId, text: `Hello from ${clientId}` }
    return (await server.call(who, 'POST', `/v1/conversations/${conversationId}/messages`, said)).body.id as string
  }
  const message = await say(ann, direct, 'ann')
  await say(ben, group, 'ben')
  const guest = async (person: Person): Promise<Guest> => ({
    ...person,
    socket: await openSocket(t, server, optionsFor(person.token))
  })
  return {
    ...{ server, ann: await guest(ann), ben: await guest(ben), cleo, stranger, phoneOfBen: ben.phone },
    ...{ direct: bare(direct), group: bare(group), message: bare(message) }
  }
}
