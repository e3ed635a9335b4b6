const PREFIX_LENGTH = 12
const MAX_WORDS = 8
const MAX_QUERY_CHUNKS = 4
/** Words of a name that it is found by, in all their spellings. */
const MAX_SPELLINGS = 32
/** Half of everybody has a word that begins with it. Elsewhere one sign may be a whole name. */
const ONE_LETTER = /^\p{Script=Latin}$/u
/** Letters that are no other letter with a mark, as they are typed without them. */
const LETTERS: Readonly<Record<string, string>> = {
  ...{ ı: 'i', ß: 'ss', ł: 'l', ø: 'o', đ: 'd', ð: 'd', æ: 'ae', œ: 'oe', þ: 'th', ħ: 'h' }
}
/** Letters with a mark that are also written out. */
const WRITTEN_OUT: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', ø: 'oe', å: 'aa' }
/** Writing without spaces between given and family names; of Hangul, the beginnings of syllables. */
const WITHOUT_SPACES = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u1100-\u1112]/u
const whole = (word: string): string => `=${word}`

/** Tokens that all have to be there, in each of the ways in which a part of a query may be written. */
export type Asked = readonly (readonly string[])[]

/** Search keys that a query asks for: beginnings of its words, and of one Latin letter alone the whole word. */
export function queryTokens(text: string): Asked[] {
  const chunks = chunksOf(text).slice(0, MAX_QUERY_CHUNKS)
  const [only, ...others] = chunks.flatMap(chunk => spellingsOf(chunk).flat())
  if (only !== undefined && others.length === 0 && ONE_LETTER.test(only)) return [[[whole(only)]]]
  return chunks.map(chunk => spellingsOf(chunk).map(words => words.map(beginningOf)))
}

/** Search keys of a name: the beginnings of its words, and of what is written without spaces those of its parts. */
export function searchTokens({ username = '', displayName }: { username?: string; displayName: string }): string[] {
  const tokens = new Set<string>()
  const chunks = chunksOf(`${username} ${displayName}`).slice(0, MAX_WORDS)
  for (const word of wordsOf(chunks).slice(0, MAX_SPELLINGS)) {
    const letters = [...word].slice(0, PREFIX_LENGTH)
    if (ONE_LETTER.test(word)) tokens.add(whole(word))
    for (let length = 1; length <= letters.length; length++) tokens.add(letters.slice(0, length).join(''))
  }
  return [...tokens]
}

/** Test of names by a query, by the beginnings of their words. Nothing is found by a query without words. */
export function matcherOf(query: string): (names: string) => boolean {
  const asked = chunksOf(query).slice(0, MAX_WORDS).map(spellingsOf)
  if (asked.length === 0) return () => false
  return names => {
    const words = wordsOf(chunksOf(names))
    const isThere = (beginning: string) => words.some(word => word.startsWith(beginning))
    return asked.every(ways => ways.some(way => way.every(isThere)))
  }
}

/** Words of a name in all their spellings, and the parts of those that are written without spaces. */
function wordsOf(chunks: readonly string[]): string[] {
  const spelled = chunks.flatMap(chunk => spellingsOf(chunk).flat())
  return [...new Set([...spelled, ...spelled.flatMap(partsOf)])]
}

/** Parts of a text between blanks that have words in them. */
function chunksOf(text: string): string[] {
  return text.split(/\s+/u).filter(chunk => /[\p{L}\p{N}]/u.test(chunk))
}

/** Ways to write a part of a text: its words by themselves and as one, with its letters folded and written out. */
function spellingsOf(chunk: string): string[][] {
  const ways = [chunk, writeOut(chunk)].flatMap(written => {
    const words = fold(written).match(/[\p{L}\p{N}]+/gu) ?? []
    return words.length > 1 ? [words, [words.join('')]] : [[...words]]
  })
  const unlike = new Map(ways.map(words => [words.join(' '), words]))
  return [...unlike.values()]
}

/** Text in lower case and without marks, in letters that every keyboard has. */
function fold(text: string): string {
  const lower = text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  return lower.replace(/[ıßłøđðæœþħ]/g, letter => LETTERS[letter] ?? letter)
}

function writeOut(text: string): string {
  const lower = text.normalize('NFC').toLowerCase()
  return lower.replace(/[äöüøå]/g, letter => WRITTEN_OUT[letter] ?? letter)
}

function partsOf(word: string): string[] {
  const letters = [...word]
  return letters.flatMap((letter, index) =>
    index > 0 && WITHOUT_SPACES.test(letter) ? [letters.slice(index).join('')] : []
  )
}

function beginningOf(word: string): string {
  return [...word].slice(0, PREFIX_LENGTH).join('')
}
