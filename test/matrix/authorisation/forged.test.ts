import t from 'tap'
import { partOf, someOf } from '../../kit/extent.ts'
import { type Case, casesOf, commandPlaces } from '../routes/cases.ts'
import { Forgery } from '../routes/forgery.ts'
import { NO_IDS, requestFor } from '../routes/request.ts'
import { allDialects, canonicalPlaces, type Place } from '../routes/table.ts'

const dialects = await allDialects(t)
const places = canonicalPlaces().filter(({ method }) => method !== 'GET')
const namesOf = ({ name, place, words }: Case) => [name, place.face, place.url, ...words].join(' ')
const cases = partOf(casesOf(places), 4, namesOf)
const isChecked = ({ parts }: Place) => parts.body !== undefined

t.test('nobody is taken for another or for more: fields that a route does not know are refused', async t => {
  const forgery = await Forgery.open(t)
  for (const it of cases) await forgery[isChecked(it.place) ? 'requireRefused' : 'requireSame'](it)
  const told = new Set(casesOf(places).map(({ place }) => place))
  const who = await forgery.person()
  for (const place of places.filter(it => !told.has(it) && isChecked(it))) {
    await forgery.requireRefusedBy(who, place, requestFor(place, NO_IDS, false))
  }
})

t.test('nobody is taken for another or for more: fields that a command does not know are refused', async t => {
  const forgery = await Forgery.open(t)
  for (const it of partOf(casesOf(commandPlaces([])), 4, namesOf)) await forgery.requireRefused(it)
})

for (const { name } of dialects) {
  t.test(`nobody is taken for another or for more by what the socket of ${name} does not know`, async t => {
    const forgery = await Forgery.open(t)
    const own = casesOf(commandPlaces(dialects)).filter(({ place }) => place.face === name)
    for (const it of someOf(own, Math.ceil(own.length / 4), name)) await forgery.requireSame(it)
  })
}
