import { BSON, type CommandSucceededEvent, type Document, MongoClient } from 'mongodb'
import type { Test } from 'tap'
import { newDatabase, startServer, type TestServer } from './helper.ts'

/** A command that a server has given its database, and the size of the reply. */
export interface Command {
  readonly name: string
  /** Empty where the command is about none. */
  readonly collection: string
  readonly replyBytes: number
}

/** Server whose commands to the database are seen. */
export interface Monitored {
  readonly server: TestServer
  readonly clients: readonly MongoClient[]
  readonly commands: Command[]
  /** Documents of a collection that the database has looked at meanwhile. */
  examined(collection: string, act: () => Promise<unknown>): Promise<number>
}

/** Starts a server with a database of its own, and sees all that it asks of it. */
export async function startMonitored(t: Test, env: Record<string, string> = {}): Promise<Monitored> {
  const url = new URL(newDatabase(t))
  url.searchParams.set('monitorCommands', 'true')
  const opened = t.capture(MongoClient.prototype, 'connect', MongoClient.prototype.connect)
  const server = await startServer(t, { uri: url.href, env })
  const clients = opened().map(({ receiver }) => receiver as MongoClient)
  opened.restore()
  const commands: Command[] = []
  const collections = new Map<number, string>()
  for (const client of clients) {
    client.on('commandStarted', ({ requestId, commandName, command }) => {
      const named = commandName === 'getMore' ? command['collection'] : command[commandName]
      collections.set(requestId, typeof named === 'string' ? named : '')
    })
    client.on('commandSucceeded', ({ requestId, commandName: name, reply }: CommandSucceededEvent) => {
      const replyBytes = BSON.calculateObjectSize(reply as Document)
      commands.push({ name, collection: collections.get(requestId) ?? '', replyBytes })
    })
  }
  const [client] = clients
  if (client === undefined) throw new Error('The server has opened no database')
  return { server, clients, commands, examined: async (collection, act) => await examined(client, collection, act) }
}

async function examined(client: MongoClient, collection: string, act: () => Promise<unknown>): Promise<number> {
  const db = client.db()
  await db.command({ profile: 2 })
  await act()
  await db.command({ profile: 0 })
  const profile = db.collection('system.profile')
  const seen = await profile.find({ ns: `${db.databaseName}.${collection}` }).toArray()
  await profile.drop()
  return seen.reduce((sum, { docsExamined = 0 }) => sum + docsExamined, 0)
}
