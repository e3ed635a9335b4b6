import t from 'tap'
import type { ErrorCode } from '../../protocol/errors.ts'
import { BODY_MS } from '../../src/faces/http/bodies/slow-bodies.ts'
import { raw } from './bytes.ts'
import { scene, unharmed } from './scene.ts'

t.test('HTTP: what is no proper request', async t => {
  const it = await scene(t)
  const { server, ann } = it
  const auth = `Host: x\r\nAuthorization: Bearer ${ann.token}\r\n`
  const path = '/v1/users/me'
  const table: [string, string, RegExp][] = [
    [
      'B21 two ways to tell the length',
      `POST ${path} HTTP/1.1\r\n${auth}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      unreadable(400, 'bad_frame')
    ],
    [
      'B21 two lengths',
      `POST ${path} HTTP/1.1\r\n${auth}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`,
      /^HTTP\/1\.1 400/
    ],
    ['B21 a negative length', `POST ${path} HTTP/1.1\r\n${auth}Content-Length: -1\r\n\r\n`, /^HTTP\/1\.1 400/],
    ['B22 no host', `GET ${path} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 400/],
    [
      'B23 large headers',
      `GET ${path} HTTP/1.1\r\n${auth}X-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
      unreadable(431, 'head_too_large')
    ],
    ['B31 no such method', `FOO ${path} HTTP/1.1\r\n${auth}\r\n`, /^HTTP\/1\.1 400/],
    ['B31 TRACE', `TRACE ${path} HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`, /^HTTP\/1\.1 40[45]/],
    [
      'B32 a whole address, no token',
      `GET http://x${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      /^HTTP\/1\.1 40[14]/
    ],
    [
      'B26 no UTF-8 in the path',
      `GET /v1/conversations/%ff HTTP/1.1\r\n${auth}Connection: close\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    [
      'W1 an upgrade without a key',
      `GET /ws HTTP/1.1\r\n${auth}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      /^HTTP\/1\.1 400/
    ],
    [
      'W1 an old version',
      `GET /ws HTTP/1.1\r\n${auth}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 12\r\n\r\n`,
      /^HTTP\/1\.1 4(00|26)/
    ],
    ['not HTTP', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n', unreadable(400, 'bad_frame')]
  ]
  await unharmed(t, it, async () => {
    for (const [name, request, answer] of table) t.match(await raw(server, request), answer, name)
    const chunk = 'x'.repeat(65_536)
    const chunked = `${chunk.length.toString(16)}\r\n${chunk}\r\n`
    const head = `POST ${path} HTTP/1.1\r\n${auth}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`
    const methodful = head.replace(`POST ${path}`, 'PATCH /v1/users/me')
    t.match(await raw(server, methodful, chunked, chunked, chunked), /^HTTP\/1\.1 413/, 'B20 too large, in chunks')
  })
  const http = server.app.server
  t.ok(http.headersTimeout > 0 && http.headersTimeout <= 10_000, 'O1 slow headers end')
  t.ok(http.requestTimeout > http.headersTimeout, 'O1 Node takes neither for the other')
  t.ok(BODY_MS > http.headersTimeout && BODY_MS <= 30_000, 'O1 a slow body ends')
})

/** Answer to what is no request: an error in the form of every other one. */
function unreadable(status: number, code: ErrorCode): RegExp {
  return new RegExp(`^HTTP/1\\.1 ${status} .*"error":{"code":"${code}"`, 's')
}
