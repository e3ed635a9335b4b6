import t, { type Test } from 'tap'
import { startServer, type TestServer } from '../kit/helper.ts'

const FORWARDED = { 'x-forwarded-for': '198.51.100.7' }

/** The warnings of a server from now on. */
function watchWarnings({ app }: TestServer): string[] {
  const warnings: string[] = []
  app.log.warn = (text: string) => void warnings.push(text)
  return warnings
}

async function untrusted(server: TestServer): Promise<number> {
  const { text } = await server.call(undefined, 'GET', '/metrics')
  return Number(/^parley_untrusted_forwarded_total (\d+)$/m.exec(text)?.[1])
}

const ask = async ({ app }: TestServer, remoteAddress: string, headers: Record<string, string> = FORWARDED) =>
  await app.inject({ url: '/health/live', remoteAddress, headers })

async function start(t: Test, TRUST_PROXY = ''): Promise<{ server: TestServer; warnings: string[] }> {
  const server = await startServer(t, { env: { TRUST_PROXY } })
  return { server, warnings: watchWarnings(server) }
}

t.test('S28: a proxy in the own network that is not trusted is warned of, once, and counted', async t => {
  const { server, warnings } = await start(t, '10.9.0.1')
  await ask(server, '10.9.0.1')
  await ask(server, '10.9.0.2', {})
  t.same([warnings, await untrusted(server)], [[], 0], 'not one that is trusted, nor who asks for nobody else')
  await ask(server, '203.0.113.9')
  t.same([warnings, await untrusted(server)], [[], 0], 'nor a stranger who forges the header')
  await ask(server, '::ffff:10.9.0.2')
  t.equal(warnings.length, 1)
  t.match(warnings[0], /TRUST_PROXY=10\.9\.0\.1,10\.9\.0\.2$/, 'it says what to set')
  t.equal(await untrusted(server), 1)
  for (const address of ['10.9.0.2', '192.168.0.9', 'fd00::9', '::1']) await ask(server, address)
  await ask(server, '127.0.0.1', { forwarded: 'for=198.51.100.7' })
  t.equal(warnings.length, 1, 'the others are counted')
  t.equal(await untrusted(server), 6)
})

t.test('S28: it is, whatever face is asked for first', async t => {
  for (const path of ['/socket.io/?EIO=4&transport=polling', '/ws', '/v1/events', '/nowhere']) {
    const { server, warnings } = await start(t)
    await server.call(undefined, 'GET', path, undefined, FORWARDED)
    t.match(warnings, [/TRUST_PROXY=127\.0\.0\.1$/], path)
    t.equal(await untrusted(server), 1)
  }
})
