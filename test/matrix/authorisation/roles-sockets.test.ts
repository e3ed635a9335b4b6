import t from 'tap'
import { casesOf, commandPlaces } from '../routes/cases.ts'
import { allDialects } from '../routes/table.ts'
import { requireRules } from '../routes/trials.ts'

const dialects = await allDialects(t)
const cases = casesOf(commandPlaces(dialects))

for (const face of ['canonical', ...dialects.map(({ name }) => name)]) {
  t.test(`what is said on the socket of ${face} is granted to whom it is for, and refused to others`, async t => {
    await requireRules(
      t,
      cases.filter(({ place }) => place.face === face)
    )
  })
}
