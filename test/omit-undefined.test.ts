import t from 'tap'
import { omitUndefined } from '../src/omit-undefined.ts'

t.test('leaves out what is undefined and keeps everything else, in its order', async t => {
  const fields = { a: 0, b: undefined, c: '', d: null, e: false, f: undefined }
  const kept = omitUndefined(fields)
  t.strictSame(Object.entries(kept), [
    ['a', 0],
    ['c', ''],
    ['d', null],
    ['e', false]
  ])
  t.ok('b' in fields, 'the fields given stay as they are')
})

t.test('only fields that may be undefined are optional', async t => {
  const maybe = (text?: string) => text
  const kept = omitUndefined({ a: 1, b: maybe('b'), c: maybe() })
  const typed: { a: number; b?: string; c?: string } = kept
  const a: number = kept.a
  // @ts-expect-error: it may not be there
  const b: string = kept.b
  t.strictSame([typed, a, b], [{ a: 1, b: 'b' }, 1, 'b'])
})
