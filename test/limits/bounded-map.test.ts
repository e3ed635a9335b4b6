import t from 'tap'
import { boundedMap } from '../../src/limits/bounded-map.ts'
import { RecentCache } from '../../src/limits/recent-cache.ts'

t.test('the entry not used for longest is forgotten first', async t => {
  const map = boundedMap<number>(2)
  map.set('a', 1).set('b', 2)
  map.get('a')
  map.set('c', 3)
  t.strictSame([map.get('a'), map.get('b'), map.get('c'), map.size], [1, undefined, 3, 2])
})

t.test('entries may count for more than one', async t => {
  const map = boundedMap<readonly string[]>(3, { sizeCalculation: ({ length }) => length })
  map.set('a', ['x', 'y']).set('b', ['x'])
  t.equal(map.size, 2)
  map.set('b', ['x', 'y'])
  t.strictSame([...map.keys()], ['b'], 'what was set anew counts anew')
})

t.test('of what was looked up only so many are kept, and none that is too old', async t => {
  const loads: string[] = []
  const load = async (key: string) => void loads.push(key)
  const bounded = new RecentCache(load, 60_000, 2)
  for (const key of ['a', 'b', 'a', 'c', 'b']) await bounded.get(key)
  t.strictSame(loads.splice(0), ['a', 'b', 'c', 'b'])
  const shortlived = new RecentCache(load, 1, 2)
  await shortlived.get('a')
  const since = performance.now()
  while (performance.now() - since < 3) await new Promise(resolve => setImmediate(resolve))
  await shortlived.get('a')
  t.strictSame(loads, ['a', 'a'])
})
