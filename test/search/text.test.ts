import fc from 'fast-check'
import t from 'tap'
import { fold } from '../../src/search/text/fold.ts'
import { hitsOf, readQuery, roughPattern } from '../../src/search/text/query.ts'
import { snippetOf } from '../../src/search/text/snippet.ts'
import { termsOf } from '../../src/search/text/terms.ts'
import { runs, seed } from '../property/history.ts'

const found = (query: string, text: string): string[] | undefined =>
  hitsOf(readQuery(query), text)?.map(({ start, end }) => text.slice(start, end))

/** Queries and texts: what is found of them, or nothing. */
const FOUND: readonly [query: string, text: string, marked: string[] | undefined][] = [
  ['cafe', 'Un café noir', ['café']],
  ['CAFÉ', 'un cafe\u0301 noir', ['cafe\u0301']],
  ['naive', 'a naïve thought', ['naïve']],
  ['strasse', 'Die Straße', ['Straße']],
  ['STRASSE', 'die straße', ['straße']],
  ['straße', 'DIE STRASSE', ['STRASSE']],
  ['mull', 'Herr Müller', ['Müller']],
  ['lodz', 'Jedziemy do Łodzi, przez Łódź', ['Łodzi', 'Łódź']],
  ['smorrebrod', 'smørrebrød', ['smørrebrød']],
  ['istanbul', 'İstanbul güzel', ['İstanbul']],
  ['ISTANBUL', 'ıstanbul', ['ıstanbul']],
  ['İSTANBUL', 'Istanbul', ['Istanbul']],
  ['isik', 'Işık var', ['Işık']],
  ['αθηνα', 'Η Αθήνα', ['Αθήνα']],
  ['ΟΔΥΣΣΕΥΣ', 'ο Οδυσσεύς', ['Οδυσσεύς']],
  ['ежик', 'Ёжик в тумане', ['Ёжик']],
  ['МОСКВА', 'поехали в москва-сити', ['москва']],
  ['東京', 'これは東京都です', ['東京']],
  ['京都', 'これは東京都です', ['京都']],
  ['都', 'これは東京都です', ['都']],
  ['東都', 'これは東京都です', undefined],
  ['カタカナ', 'ｶﾀｶﾅで', ['ｶﾀｶﾅ']],
  ['がくせい', 'か\u3099くせい', ['か\u3099くせい']],
  ['ラーメン', 'ラーメンを食べる', ['ラーメン']],
  ['철수', '김철수입니다', ['철수']],
  ['한글', '\u1112\u1161\u11ab\u1100\u1173\u11af', ['\u1112\u1161\u11ab\u1100\u1173\u11af']],
  ['김수', '김철수입니다', undefined],
  ['ไทย', 'ภาษาไทยง่าย', ['ไทย']],
  ['กิน', 'ไปกินข้าว', ['กิน']],
  ['กน', 'ไปกินข้าว', undefined],
  ['שלום', 'שָׁלוֹם עולם', ['שָׁלוֹם']],
  ['محمد', 'مُحَمَّد هنا', ['مُحَمَّد']],
  ['احمد', 'أحمد', ['أحمد']],
  ['नमस्ते', 'नमस्ते दुनिया', ['नमस्ते']],
  ['नमस्तु', 'नमस्ते', undefined],
  ['👍', 'gut 👍🏽!', ['👍🏽']],
  ['👨‍👩‍👧', 'we 👨‍👩‍👧 here', ['👨‍👩‍👧']],
  ['👩‍👨', 'we 👨‍👩‍👧 here', undefined],
  ['🇩🇪', 'go 🇩🇪🇫🇷', ['🇩🇪']],
  ['🇪🇫', 'go 🇩🇪🇫🇷', undefined],
  ['❤', 'I ❤️ you', ['❤️']],
  ['room 1', 'room 1️⃣', ['room', '1️⃣']],
  ['hello wor', 'Hello, world', ['Hello', 'world']],
  ['world hel', 'Hello, world', ['Hello', 'world']],
  ['wor hello', 'Hello, world', undefined],
  ['hel world', 'Hello, world', undefined],
  ['"hello world"', 'hello world', ['hello world']],
  ['"world hello"', 'hello world', undefined],
  ['"hello wor"', 'hello world', undefined],
  ['„guten Tag“', 'Na guten Tag!', ['guten Tag']],
  ['"never closed', 'it is never closed', ['never', 'closed']],
  ['foo-bar', 'a foo bar b', ['foo bar']],
  ['foo-bar', 'a bar foo b', undefined],
  ["don't", 'I don’t know', ['don’t']],
  ['anna@mail.example', 'write to Anna@Mail.Example please', ['Anna@Mail.Example']],
  ['from:anna OR -x', 'from anna or x', ['from anna', 'or', 'x']],
  ['.* $where', 'say .* or $where', ['where']],
  ['ﬁnd', 'I find it', ['find']],
  [`${'x'.repeat(30)}y`, `${'x'.repeat(30)}yz`, [`${'x'.repeat(30)}yz`]],
  [`${'x'.repeat(30)}y`, `${'x'.repeat(30)}z`, undefined]
]

t.test('texts are found by their words, in many scripts', async t => {
  for (const [query, text, marked] of FOUND) {
    t.strictSame(found(query, text), marked, `${query} in ${text}`)
    t.strictSame(found(query, text.normalize('NFD')) === undefined, marked === undefined, `${query}, decomposed`)
  }
})

t.test('what no query can be is refused, and everything else is answered', async t => {
  const ten = Array.from({ length: 10_000 }, (_, index) => `w${index}`).join(' ')
  for (const text of [
    '',
    '   ',
    '\u3000\t',
    '"',
    '""',
    '"" ""',
    '.*',
    '-',
    '\u0301\u0302',
    '\u064b',
    'a',
    ' Ж ',
    'א',
    ten
  ]) {
    t.throws(() => readQuery(text), { code: 'invalid' }, JSON.stringify(text.slice(0, 20)))
  }
  for (const text of ['\ud800', 'ab\udc00', '👍\ud83d'])
    t.throws(() => readQuery(text), { code: 'invalid' }, 'half a character')
  for (const text of ['都', '👍', '👨‍👩‍👧', '🇩🇪', 'ab', 'a b', '"a b', '"ab" "c d"', '12', 'ก', '가']) {
    t.doesNotThrow(() => readQuery(text), text)
  }
})

/** Letters of eight scripts and emoji, with marks, and what stands between words. */
const ALPHABETS = [
  ['a', 'b', 'c', 'e', 'é', 'e\u0301', 'ü', 'ß', 'ss', 'ﬁ', 'Æ', '7', 'ø'],
  ['i', 'ı', 'I', 'İ', 's', 'ş', 'n', 'ö'],
  ['а', 'б', 'Ё', 'е', 'й', 'Ж'],
  ['α', 'ά', 'σ', 'ς', 'Σ', 'ω'],
  ['東', '京', '都', '大', 'カ', 'ｶ', 'か', 'が', 'か\u3099', 'ー'],
  ['한', '글', '김', '\u1112\u1161\u11ab', '수'],
  ['ก', 'ิ', 'น', 'ไ', 'ท', 'ย', '่'],
  ['ש', 'שׁ', 'ל', 'ו', 'م', 'مّ', 'أ', 'ا'],
  ['👍', '👍🏽', '👨‍👩‍👧', '🇩🇪', '🇫🇷', '❤️', '❤']
]
const letters = (alphabet: readonly string[]) =>
  fc.string({ unit: fc.constantFrom(...alphabet), minLength: 1, maxLength: 6 })
const word = fc.oneof(...ALPHABETS.map(letters))
const between = fc.constantFrom(' ', ' ', ' ', '  ', ', ', '-', '', '\u200b', '! ', '"')
const message = fc.array(fc.tuple(word, between), { minLength: 1, maxLength: 8 }).map(parts => parts.flat().join(''))

t.test('every text that a query finds has all of its terms, and a text is found by its own parts', async () => {
  fc.assert(
    fc.property(message, message, fc.nat(), fc.nat(), (text, other, from, length) => {
      const characters = [...text]
      const start = from % characters.length
      const part = characters.slice(start, start + 1 + (length % 8)).join('')
      const queries = [text, part, other, `"${part.replaceAll('"', '')}"`]
      const isFound = queries.every(asked => isConsistent(asked, text) && isConsistent(asked, other))
      return isFound && (orNothing(text) === undefined || hitsOf(readQuery(text), text) !== undefined)
    }),
    { numRuns: runs(5_000), seed: seed() }
  )
})

t.test('single words are found as a plain scan finds them', async () => {
  const words = fc.array(fc.oneof(...ALPHABETS.slice(0, 2).map(letters)), { minLength: 1, maxLength: 8 })
  const plain = (text: string) => fold(text).text
  fc.assert(
    fc.property(words, fc.oneof(...ALPHABETS.slice(0, 2).map(letters)), (texts, asked) => {
      const query = orNothing(asked)
      if (query === undefined) return true
      const isThere = texts.some(it => plain(it).startsWith(plain(asked)))
      return (hitsOf(query, texts.join(' ')) !== undefined) === isThere
    }),
    { numRuns: runs(5_000), seed: seed() }
  )
  const signs = fc.oneof(...ALPHABETS.slice(4, 7).map(letters))
  fc.assert(
    fc.property(signs, signs, (text, asked) => {
      const query = orNothing(asked)
      return query === undefined || (hitsOf(query, text) !== undefined) === plain(text).includes(plain(asked))
    }),
    { numRuns: runs(5_000), seed: seed() }
  )
})

t.test('a hit is a part of the original whose folded form is what was asked for', async () => {
  fc.assert(
    fc.property(message, text => {
      const hits = hitsOf(orNothing(text) ?? { phrases: [] }, text) ?? []
      return hits.every(({ start, end }, index) => {
        const isInOrder = start < end && end <= text.length && start > (hits[index - 1]?.end ?? -1)
        return isInOrder && text.slice(start, end).isWellFormed() && fold(text.slice(start, end)).text.length > 0
      })
    }),
    { numRuns: runs(5_000), seed: seed() }
  )
})

t.test('a snippet shows the first hit, and its highlights are those of the text', async t => {
  const long = `${'vorher 👍🏽 '.repeat(60)}Straße ${'nachher 👍 '.repeat(60)}`
  const { text, highlights } = snippetOf(long, hitsOf(readQuery('strasse'), long) ?? [])
  t.ok(text.length <= 210 && text.startsWith('…') && text.endsWith('…'))
  t.ok(text.isWellFormed())
  t.strictSame(
    highlights.map(({ start, end }) => text.slice(start, end)),
    ['Straße']
  )
  const solid = `${'東'.repeat(500)}京${'𠮷'.repeat(500)}`
  const cut = snippetOf(solid, hitsOf(readQuery('京'), solid) ?? [])
  t.ok(cut.text.isWellFormed())
  t.strictSame(
    cut.highlights.map(({ start, end }) => cut.text.slice(start, end)),
    ['京']
  )
  t.strictSame(snippetOf('short', [{ start: 0, end: 5 }]), { text: 'short', highlights: [{ start: 0, end: 5 }] })
})

/** Whether a text that a query finds has all of its terms. */
function isConsistent(asked: string, text: string): boolean {
  const query = orNothing(asked)
  if (query === undefined || hitsOf(query, text) === undefined) return true
  const terms = termsOf(text)
  const { beginning } = query
  if (roughPattern(query)?.test(text) === false) return false
  const hasBeginning = beginning === undefined || [...terms].some(term => term.startsWith(beginning.word))
  return hasBeginning && query.terms.every(term => terms.has(term))
}

function orNothing(text: string) {
  try {
    return readQuery(text)
  } catch {
    return undefined
  }
}
