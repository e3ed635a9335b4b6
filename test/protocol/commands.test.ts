import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { ERRORS } from '../../protocol/errors.ts'
import { commands, events, routes } from '../../protocol/index.ts'
import { joinServer, type Person } from '../kit/helper.ts'

t.test('every command of the protocol has a handler, and every name is there once', async t => {
  const server = await joinServer(t)
  const [ann] = (await server.people(1)) as [Person]
  const socket = await server.connect(ann)
  for (const { type } of commands.filter(it => it.type !== 'hello')) {
    // What no command takes is refused by its schema, which it has only with a handler.
    t.match(await socket.refused(type, { nonsense: true }), { code: 'invalid' }, type)
  }
  for (const names of [
    commands.map(it => it.type),
    events.map(it => it.type),
    routes.map(it => `${it.method} ${it.url}`)
  ]) {
    t.equal(new Set(names).size, names.length, `${names.length} names, each once`)
  }
})

t.test('every route of the contract is served, and nothing under /v1 that is not in it', async t => {
  const server = await joinServer(t)
  for (const { method, url, isPublic, isOptional } of routes) {
    t.ok(server.app.hasRoute({ method, url: `/v1${url}` }), `${method} ${url}`)
    if (isPublic || isOptional) continue
    const path = `/v1${url.replace(/:[a-zA-Z]+/g, 'a'.repeat(24))}`
    t.match(
      await server.call(undefined, method, path),
      { status: 401, body: { error: { code: 'unauthenticated' } } },
      'not without a token'
    )
  }
})

t.test('codes are unique, and errors have a status that fits whether to retry', t => {
  const codes = Object.values(CLOSE)
  t.equal(new Set(codes).size, codes.length)
  for (const code of codes) t.ok(code >= 4_000 && code < 4_400, String(code))
  for (const [code, { status, retry }] of Object.entries(ERRORS)) {
    t.ok(status >= 400 && status < 600, code)
    t.equal(retry === 'auth', status === 401, `${code}: a new token helps exactly where one is missing`)
    if (status >= 500) t.equal(retry, 'later', code)
  }
  t.end()
})
