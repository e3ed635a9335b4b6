import { execFile } from 'node:child_process'
import { cp, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { buildApp } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import { type Person, SECRET, TestServer, testEnv } from '../kit/helper.ts'
import { newFolder, start } from './embedded-rig.ts'

const run = promisify(execFile)

/** A server on the embedded database of a folder. */
async function serve(folder: string) {
  const database = await start(folder)
  const config = { ...readConfig(testEnv(database.uri)), MONGODB_URI: database.uri, JWT_SECRET: [SECRET] }
  const app = await buildApp(config)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const server = new TestServer(app, database.uri)
  return {
    server,
    stop: async () => {
      await server.close()
      await database.stop()
    }
  }
}

/** Runs `parley epoch` on the database of a folder. @returns what it prints as JSON */
async function epoch(folder: string, ...options: string[]): Promise<{ epoch: string }> {
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'test',
    DATA_DIR: folder,
    MONGOD_BINARY: process.env['MONGOD_BINARY']
  }
  const args = ['dist/server/main.js', 'epoch', '--json', ...options]
  return JSON.parse((await run(process.execPath, args, { env })).stdout)
}

t.test('U59: no client misses what comes after a backup of the embedded database was restored', async t => {
  const parent = newFolder(t)
  const [folder, backup] = [join(parent, 'data'), join(parent, 'backup')]
  let running = await serve(folder)
  const [ann, ben] = (await running.server.people(2)) as [Person, Person]
  const conversationId = await running.server.direct(ann, ben)
  const send = async (text: string): Promise<void> => {
    const path = `/v1/conversations/${conversationId}/messages`
    t.equal((await running.server.call(ann, 'POST', path, { clientId: text, text })).status, 201)
  }
  for (const text of ['n1', 'n2']) await send(text)
  await running.stop()
  await cp(folder, backup, { recursive: true })
  running = await serve(folder)
  for (const text of ['lost1', 'lost2', 'lost3']) await send(text)
  const known = await (await running.server.socket()).ask('hello', { token: ben.token, cursors: {} })
  const [head] = known.heads
  const cursors = { [conversationId]: head.rev }
  t.equal((await epoch(folder)).epoch, known.epoch, 'the command finds the database of a running server')
  await running.stop()

  await rename(folder, join(parent, 'broken'))
  await rename(backup, folder)
  const renewed = await epoch(folder, '--new')
  t.not(renewed.epoch, known.epoch)
  running = await serve(folder)
  t.teardown(async () => await running.stop())
  for (const text of ['n3', 'n4', 'n5', 'n6']) await send(text)
  const socket = await running.server.socket()
  const hello = await socket.ask('hello', { token: ben.token, cursors, epoch: known.epoch })
  t.equal(hello.epoch, renewed.epoch, 'the client learns of it')
  t.strictSame(hello.gone, [conversationId], 'its cursors are void')
  const { items } = await socket.ask('sync:pull', { stream: conversationId, since: 0 })
  const texts = [...JSON.stringify(items).matchAll(/"text":"(\w+)"/g)].map(([, text]) => text)
  t.strictSame(texts, ['n1', 'n2', 'n3', 'n4', 'n5', 'n6'], 'and everything comes')
})
