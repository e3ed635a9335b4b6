import t from 'tap'
import { NetworkBuckets } from '../../src/limits/network-buckets.ts'
import { rateOf, TokenBuckets, takeEach } from '../../src/limits/token-buckets.ts'
import { setClock } from '../kit/clock.ts'

/** How long to wait, ms, or 0 for what is let through. */
function waitOf(take: () => void): number {
  try {
    take()
    return 0
  } catch (error) {
    return (error as { retryAfterMs: number }).retryAfterMs
  }
}

t.test('S13: a bucket fills up one by one, and who obeys the time to wait is served', t => {
  const pass = setClock(t, { isStopped: true })
  const buckets = new TokenBuckets(rateOf(5, 3_600_000))
  const take = (key = 'a') => waitOf(() => buckets.take(key, 'Too many'))
  t.same([take(), take(), take(), take(), take()], [0, 0, 0, 0, 0])
  t.equal(take(), 720_000, 'minutes, not the hour')
  t.equal(take('b'), 0, 'another key')
  pass(719_000)
  t.equal(take(), 1_000, 'what was refused was not counted')
  pass(1_000)
  t.same([take(), take()], [0, 720_000])
  buckets.giveBack('a')
  t.same([take(), take()], [0, 720_000], 'what is given back')
  buckets.giveBack('b')
  buckets.giveBack('b')
  buckets.giveBack('never')
  for (const key of ['b', 'never']) t.same(Array.from({ length: 6 }, () => take(key)).lastIndexOf(0), 4, 'is no credit')
  t.end()
})

t.test('S13: who waits as long as told is served at any time and rate, whatever rounding does', t => {
  const pass = setClock(t, { isStopped: true })
  for (const [limit, windowMs] of [
    [60, 3_600_000],
    [7, 60_000],
    [15, 86_400_000],
    [600, 60_000]
  ] as const) {
    const buckets = new TokenBuckets(rateOf(limit, windowMs, 1))
    const take = () => waitOf(() => buckets.take('a', 'Too many'))
    t.equal(take(), 0)
    for (let served = 0; served < 200; served++) {
      pass(take())
      t.equal(take(), 0)
      pass(Math.random())
    }
  }
  t.end()
})

t.test('S13: of several buckets all are taken from or none, and the time to wait is that of the last one', t => {
  const pass = setClock(t, { isStopped: true })
  const [seconds, hours] = [new TokenBuckets(rateOf(1, 1_000)), new TokenBuckets(rateOf(2, 3_600_000))]
  const take = () =>
    waitOf(() =>
      takeEach(
        [
          { buckets: seconds, key: 'a' },
          { buckets: hours, key: 'a' }
        ],
        'Too many'
      )
    )
  t.same([take(), take()], [0, 1_000])
  pass(1_000)
  t.equal(take(), 0)
  t.equal(take(), 1_799_000, 'not the second after which it would be refused again')
  pass(1_799_000)
  t.equal(take(), 0)
  t.end()
})

t.test('S22: a network counts in the wider ones, which allow four and sixteen times as much', t => {
  setClock(t, { isStopped: true })
  const buckets = new NetworkBuckets(rateOf(2, 60_000))
  const take = (ip: string) => waitOf(() => buckets.take(ip, 'Too many'))
  const grantedTo = (addresses: string[]) => addresses.filter(ip => take(ip) === 0).length
  const hosts = Array.from({ length: 10 }, (_, host) => `2001:db8:1:0::${host}`)
  t.equal(grantedTo(hosts), 2, 'of one /64')
  const networks = Array.from({ length: 10 }, (_, network) => `2001:db8:1:${(network + 1).toString(16)}::1`)
  t.equal(grantedTo([...networks, ...networks]), 6, 'the rest of its /56')
  const sites = Array.from({ length: 100 }, (_, network) => `2001:db8:1:${(network + 1).toString(16)}00::1`)
  t.equal(grantedTo(sites), 24, 'the rest of its /48')
  t.equal(take('2001:db8:2::1'), 0, 'another /48')
  t.same([take('192.0.2.1'), take('192.0.2.1'), take('192.0.2.1')], [0, 0, 30_000])
  t.equal(take('192.0.2.2'), 0)
  buckets.giveBack('2001:db8:1:1::1')
  t.equal(grantedTo([...networks, ...sites]), 1)
  t.end()
})

t.test('S22: one who is refused takes nothing from the neighbours', t => {
  setClock(t, { isStopped: true })
  const buckets = new NetworkBuckets(rateOf(2, 60_000))
  for (let asked = 0; asked < 100; asked++) waitOf(() => buckets.take('2001:db8:1:1::1', 'Too many'))
  t.equal(
    waitOf(() => buckets.take('2001:db8:1:2::1', 'Too many')),
    0,
    'in the same /56'
  )
  t.end()
})
