import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startServer } from '../kit/helper.ts'

const timers = (): number => process.getActiveResourcesInfo().filter(kind => kind === 'Timeout').length

t.test('a polling client that does not come for its close keeps no stopped server up', async t => {
  const before = timers()
  const server = await startServer(t, { env: { TIMINGS_CLOSE_TIMEOUT_MS: '50' } })
  const { accessToken } = await server.signUp()
  const base = `${server.url}/socket.io/?EIO=4&transport=polling`
  const opened = await (await fetch(base)).text()
  const { sid } = JSON.parse(opened.slice(1))
  const poll = async () => await (await fetch(`${base}&sid=${sid}`)).text()
  await fetch(`${base}&sid=${sid}`, { method: 'POST', body: `40${JSON.stringify({ token: accessToken })}` })
  t.match(await poll(), /^40/, 'it is let in')
  t.equal((await server.call({ token: accessToken }, 'POST', '/v1/auth/logout')).status, 204)
  let told = ''
  while (!told.includes('41')) told += await poll()
  t.match(told, /41/, 'it hears that it is disconnected, and polls no more')
  await server.app.close()
  const until = performance.now() + 5_000
  while (timers() > before && performance.now() < until) await sleep(20)
  t.ok(timers() <= before, 'no timer is left')
})
