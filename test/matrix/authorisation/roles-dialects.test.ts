import t from 'tap'
import { casesOf } from '../routes/cases.ts'
import { allDialects, dialectPlaces, eachOnce } from '../routes/table.ts'
import { requireRules } from '../routes/trials.ts'

const dialects = await allDialects(t)
const cases = casesOf(eachOnce(dialectPlaces(dialects)))

for (const { name } of dialects) {
  t.test(`every route of ${name} is granted to whom it is for, and refused to others without a trace`, async t => {
    await requireRules(
      t,
      cases.filter(({ place }) => place.face === name)
    )
  })
}
