import { EventEmitter, once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { findEmbedded, startEmbedded } from '../../src/database/embedded/embedded.ts'
import { commandLine } from '../../src/database/embedded/processes.ts'
import { connected, insert, kill, names, newFolder, silent, start, startProcess } from './embedded-rig.ts'

t.test('a fresh folder becomes a replica set with transactions, and a stop ends its process', async t => {
  const folder = newFolder(t)
  const database = await start(folder)
  await connected(database.uri, async client => {
    await client.withSession(session =>
      session.withTransaction(async () => {
        await client.db().collection('kept').insertOne({ in: 'a transaction' }, { session })
      })
    )
    t.equal(await client.db().collection('kept').countDocuments(), 1)
  })
  t.not(await commandLine(database.pid), '')
  t.equal(statSync(join(folder, 'mongod.log')).mode & 0o777, 0o600, 'S41 its log is its owner’s alone')
  await database.stop()
  t.equal(await commandLine(database.pid), '')
})

t.test('data and address are the same after a stop and a start', async t => {
  const folder = newFolder(t)
  const first = await start(folder)
  await insert(first.uri, 'before')
  await first.stop()
  const second = await start(folder)
  t.teardown(() => second.stop())
  t.equal(second.uri, first.uri)
  t.same(await names(second.uri), ['before'])
})

t.test('what was acknowledged is there after everything was killed with -9', async t => {
  const folder = newFolder(t)
  const { child, uri, pid } = await startProcess(t, folder)
  await insert(uri, 'acknowledged')
  // First the parent, which would repair it.
  await kill(child)
  process.kill(pid, 'SIGKILL')
  const again = await start(folder)
  t.teardown(() => again.stop())
  t.same(await names(again.uri), ['acknowledged'])
})

t.test('a mongod that a killed Parley has left running is stopped and its data taken over', async t => {
  const folder = newFolder(t)
  const { child, uri, pid } = await startProcess(t, folder)
  await insert(uri, 'left behind')
  await kill(child)
  t.match(await commandLine(pid), folder, 'it still runs')
  const again = await start(folder)
  t.teardown(() => again.stop())
  t.equal(await commandLine(pid), '', 'it is gone')
  t.same(await names(again.uri), ['left behind'])
})

t.test('a second Parley on a folder is refused by name, and the first is not disturbed', async t => {
  const folder = newFolder(t)
  const first = await start(folder)
  t.teardown(() => first.stop())
  const { refused } = await startProcess(t, folder)
  t.match(refused, new RegExp(`in use by another Parley \\(process ${process.pid}\\)`))
  t.match(refused, 'DATA_DIR')
  await t.rejects(start(folder), /in use by another Parley/, 'also from the same process')
  await insert(first.uri, 'undisturbed')
  t.same(await names(first.uri), ['undisturbed'])
})

t.test('the lock of a process that is gone, or whose number another has now, does not count', async t => {
  for (const lock of [
    { pid: process.pid, started: 'at another time' },
    { pid: 2 ** 22 + 1, started: 'x' },
    'half a lo'
  ]) {
    const folder = t.testdir({ 'parley.lock': JSON.stringify(lock).slice(0, 60) })
    const database = await start(folder)
    t.match(readFileSync(join(folder, 'parley.lock'), 'utf8'), `"pid":${process.pid},`)
    await database.stop()
  }
})

t.test('when the port of last time is taken, another is used and the data is there', async t => {
  const folder = newFolder(t)
  const first = await start(folder)
  await insert(first.uri, 'moved')
  await first.stop()
  const other = createServer(socket => socket.destroy()).listen(Number(new URL(first.uri).port), '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const second = await start(folder)
  t.teardown(() => second.stop())
  t.not(second.uri, first.uri)
  t.same(await names(second.uri), ['moved'])
})

t.test('a mongod that dies is started again on the same port, twice, and clients go on', async t => {
  const events = new EventEmitter()
  const log = { ...silent, info: (_: object, message: string) => events.emit(message) }
  const database = await start(newFolder(t), log)
  t.teardown(() => database.stop())
  await connected(database.uri, async client => {
    const kept = client.db().collection<{ _id: string }>('kept')
    for (const name of ['first', 'second']) {
      const { pid } = database
      await kept.insertOne({ _id: `before the ${name} death` })
      const back = once(events, 'The embedded database is back')
      process.kill(pid, 'SIGKILL')
      await back
      t.not(database.pid, pid)
      await kept.insertOne({ _id: `after the ${name} death` })
    }
    t.equal(await kept.countDocuments(), 4)
  })
})

t.test('a stop during a repair leaves no process behind', async t => {
  const events = new EventEmitter()
  const log = { ...silent, warn: (_: object, message: string) => events.emit(message) }
  const database = await start(newFolder(t), log)
  const died = once(events, 'The embedded database died')
  process.kill(database.pid, 'SIGKILL')
  await died
  await database.stop()
  t.equal(await commandLine(database.pid), '')
})

t.test('a program that is not a mongod, or not there, is named', async t => {
  const folder = t.testdir({ data: {}, mongod: '#!/bin/sh\necho something else\n' })
  const dataDir = join(folder, 'data')
  writeFileSync(join(folder, 'mongod'), '#!/bin/sh\necho something else\n', { mode: 0o755 })
  const withBinary = (binary: string) => startEmbedded({ dataDir, binary, log: silent })
  await t.rejects(withBinary(process.execPath), /MONGOD_BINARY: .*node is not a mongod/)
  await t.rejects(withBinary('/nowhere/mongod'), /MONGOD_BINARY: \/nowhere\/mongod is not there/)
})

t.test('a mongod that stops at once is an error that shows what it said', async t => {
  const dataDir = newFolder(t)
  const binary = process.env['MONGOD_BINARY']
  const failing = startEmbedded({ dataDir, binary, log: silent, args: ['--no-such-option'] })
  await t.rejects(failing, /did not start: .*mongod\.log.*no-such-option/s)
  await (await start(dataDir)).stop()
})

t.test('the database of a Parley that runs on a folder is found from beside it', async t => {
  const folder = newFolder(t)
  t.equal(await findEmbedded(folder), undefined)
  const database = await start(folder)
  t.teardown(async () => await database.stop())
  t.equal(await findEmbedded(folder), database.uri)
  await database.stop()
  t.equal(await findEmbedded(folder), undefined)
})
