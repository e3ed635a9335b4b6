import t from 'tap'
import { cutPage } from '../src/page.ts'

t.test('a page has its last row where others follow it', async t => {
  t.strictSame(cutPage([1, 2, 3], 2), { page: [1, 2], last: 2 })
  t.strictSame(cutPage([1, 2], 2), { page: [1, 2], last: undefined })
  t.strictSame(cutPage([], 2), { page: [], last: undefined })
})
