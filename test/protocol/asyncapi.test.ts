import t from 'tap'
import { joinServer, startServer, type TestServer } from '../kit/helper.ts'

const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']

interface AsyncApi {
  readonly servers: Readonly<Record<string, { readonly host: string; readonly protocol: string }>>
  readonly channels: Readonly<
    Record<string, { readonly address: string; readonly messages: Readonly<Record<string, unknown>> }>
  >
  readonly components: {
    readonly messages: Readonly<Record<string, { readonly name: string; readonly payload: unknown }>>
  }
}

const read = async (server: TestServer, path: string, headers: Record<string, string> = {}): Promise<AsyncApi> =>
  JSON.parse((await server.app.inject({ url: path, headers, remoteAddress: '10.0.0.7' })).body)

const serversOf = ({ servers }: AsyncApi) => Object.values(servers).map(({ protocol, host }) => `${protocol}://${host}`)

t.test('U63: the documents name the server that was asked, behind a proxy the one that it was asked as', async t => {
  const server = await joinServer(t)
  const behind = await startServer(t, { env: { TRUST_PROXY: '10.0.0.7' } })
  const forwarded = { host: 'inside:1', 'x-forwarded-host': 'chat.example', 'x-forwarded-proto': 'https' }
  for (const path of ['/asyncapi.json', ...DIALECTS.map(name => `/${name}/asyncapi.json`)]) {
    const asked = await read(server, path, { host: 'chat.example:4460' })
    t.strictSame(serversOf(asked), ['ws://chat.example:4460', 'http://chat.example:4460'], path)
    const again = await read(server, path, { host: 'other.example', 'x-forwarded-host': 'evil.example' })
    t.strictSame(serversOf(again), ['ws://other.example', 'http://other.example'], 'who is no proxy is not believed')
    const through = await read(behind, path, forwarded)
    t.strictSame(serversOf(through), ['wss://chat.example', 'https://chat.example'])
  }
  t.strictSame(serversOf(await read(server, '/asyncapi.json', { host: 'a"<b>' })), [
    'ws://localhost:3000',
    'http://localhost:3000'
  ])
})

t.test('U63: the events of streams and of dialects are there for programs, each with its payload', async t => {
  const server = await joinServer(t)
  const canonical = await read(server, '/asyncapi.json')
  t.equal(canonical.channels['stream']?.address, '/v1/events')
  for (const name of ['stream.message.new', 'stream.ready', 'stream.reset']) {
    t.ok(canonical.channels['stream']?.messages[name], name)
  }
  for (const dialect of DIALECTS) {
    const { channels, components } = await read(server, `/${dialect}/asyncapi.json`)
    t.match(channels, { packets: { address: `/${dialect}` }, frames: { address: `/ws?dialect=${dialect}` } })
    const messages = Object.entries(components.messages)
    for (const kind of ['command.', 'event.'])
      t.ok(
        messages.some(([key]) => key.startsWith(kind)),
        `${dialect} ${kind}`
      )
    for (const [key, { name, payload }] of messages) t.ok(name && payload, `${dialect} ${key}`)
    for (const [, path = ''] of JSON.stringify({ channels, components }).matchAll(
      /"\$ref":"#\/components\/([^"]+)"/g
    )) {
      t.ok(
        path.split('/').reduce<unknown>((part, key) => Object(part)[key], components),
        `${dialect} ${path}`
      )
    }
  }
  const { channels } = await read(server, '/chatapp/asyncapi.json')
  t.equal(channels['stream']?.address, '/api/sse')
})
