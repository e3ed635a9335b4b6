import t from 'tap'
import { partOf } from '../../kit/extent.ts'
import { casesOf } from '../routes/cases.ts'
import { Forgery } from '../routes/forgery.ts'
import { allDialects, dialectPlaces, eachOnce } from '../routes/table.ts'

const dialects = await allDialects(t)
const places = eachOnce(dialectPlaces(dialects)).filter(({ method, isPublic }) => method !== 'GET' && !isPublic)
const cases = casesOf(places)
const told = new Set(cases.map(({ place }) => place))

for (const { name } of dialects) {
  t.test(`nobody is taken for another or for more by what ${name} does not know`, async t => {
    const forgery = await Forgery.open(t)
    for (const it of partOf(cases, 4, it => it.name).filter(({ place }) => place.face === name))
      await forgery.requireSame(it)
    for (const place of places.filter(it => it.face === name && !told.has(it))) await forgery.requireSameOfOwn(place)
  })
}
