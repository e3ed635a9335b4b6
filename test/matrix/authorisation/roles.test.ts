import t from 'tap'
import { casesOf, commandPlaces, namesSomething, unusedLines } from '../routes/cases.ts'
import { allDialects, canonicalPlaces, dialectPlaces, eachOnce } from '../routes/table.ts'
import { requireRules } from '../routes/trials.ts'

t.test('of every route and command that names somebody or something it is said what it does', async t => {
  const dialects = await allDialects(t)
  const places = [...canonicalPlaces(), ...eachOnce(dialectPlaces(dialects)), ...commandPlaces(dialects)]
  const cases = casesOf(places)
  const told = new Set(cases.map(({ place }) => place))
  const untold = places.filter(place => !place.isPublic && namesSomething(place) && !told.has(place))
  t.same(
    untold.map(({ face, method, url }) => `${face} ${method} ${url}`),
    []
  )
  t.same(unusedLines(cases), [], 'and nothing is said of what is not there')
})

t.test('every route is granted to whom it is for, and refused to others without a trace', async t => {
  await requireRules(t, casesOf(canonicalPlaces()))
})
