import { readFile } from 'node:fs/promises'
import t from 'tap'
import { commands, events, routes } from '../../protocol/index.ts'
import { describeSocket } from '../../src/ops/api-docs/asyncapi.ts'
import { describeRest } from '../../src/ops/api-docs/openapi.ts'
import { joinServer } from '../kit/helper.ts'

const committed = async (name: string): Promise<unknown> =>
  JSON.parse(await readFile(new URL(`../../../protocol/generated/${name}`, import.meta.url), 'utf8'))

t.test('the committed documents are those of the contract; if not, run npm run generate', async t => {
  t.strictSame(await committed('openapi.json'), await describeRest())
  t.strictSame(await committed('asyncapi.json'), describeSocket())
})

t.test('OpenAPI holds every route, with its errors, and a token wherever one is needed', async t => {
  const { paths } = (await describeRest()) as { paths: Record<string, Record<string, Operation>> }
  const described = Object.values(paths).flatMap(path => Object.keys(path))
  t.equal(described.length, routes.length + 4, 'and the stream, and what operators ask for')
  for (const { method, url, isPublic = false, isOptional = false, schema } of routes) {
    const operation = paths[`/v1${url.replace(/:(\w+)/g, '{$1}')}`]?.[method.toLowerCase()]
    t.ok(operation, `${method} ${url}`)
    t.strictSame(operation?.security, isPublic ? [] : isOptional ? [{}, { bearer: [] }] : undefined)
    t.equal('401' in (operation?.responses ?? {}), !isPublic || schema.body !== undefined)
    t.ok(operation?.responses['429'] && operation.responses['503'])
    t.notOk(operation?.responses['default'], 'each status is named')
  }
})

t.test('AsyncAPI holds every command and event', async t => {
  const { operations } = describeSocket() as { operations: Record<string, { action: string }> }
  for (const { type } of commands) t.equal(operations[`command.${type.replace(':', '.')}`]?.action, 'receive', type)
  for (const { type } of events) t.equal(operations[`event.${type.replace(':', '.')}`]?.action, 'send', type)
})

t.test('references lead somewhere', async t => {
  for (const document of [await describeRest(), describeSocket()]) {
    for (const [, path = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = path.split('/').reduce<unknown>((part, key) => (part as Record<string, unknown>)?.[key], document)
      if (target === undefined) t.fail(path)
    }
  }
})

t.test('the server serves the same documents, and a page that needs nothing from elsewhere, to everybody', async t => {
  const server = await joinServer(t)
  for (const name of ['openapi.json', 'asyncapi.json']) {
    const { status, body } = await server.call(undefined, 'GET', `/${name}`)
    t.equal(status, 200)
    const { servers, ...rest } = body
    const { servers: _, ...wanted } = Object(await committed(name))
    t.ok(servers, 'of which AsyncAPI names the one that was asked')
    t.strictSame(rest, wanted)
  }
  for (const { method, url } of routes) t.ok(server.app.hasRoute({ method, url: `/v1${url}` }), `${method} ${url}`)
  const page = await server.call(undefined, 'GET', '/docs')
  t.equal(page.status, 200)
  t.notMatch(String(page.body), /(src|href)="(https?:)?\/\//)
  const assets = [...String(page.body).matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path)
  t.ok(assets.length > 3)
  for (const path of assets) {
    t.equal((await server.call(undefined, 'GET', new URL(path, 'http://x/docs/').pathname)).status, 200, path)
  }
  t.equal(page.headers.get('content-security-policy')?.includes("default-src 'self'"), true)
  t.equal((await server.call(undefined, 'GET', '/docs/')).status, 200)
  t.equal((await server.call(undefined, 'GET', '/docs/static/nothing.js')).status, 404)
  t.equal((await server.call(undefined, 'GET', '/v1/users/me')).status, 401)
})

interface Operation {
  security?: unknown[]
  responses: Record<string, unknown>
}
