import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { fold } from './fold.ts'
import { isShort, prefixTerm, wordTerm } from './terms.ts'
import { type Token, tokensOf } from './tokens.ts'

/** Words and signs of one query. */
const MAX_TOKENS = 64
/** Places of one text that are marked. */
const MAX_HITS = 50
/** Quotes of several languages. */
const QUOTED = /["“”„«»]([^"“”„«»]*)["“”„«»]/gu

/** A part of a text that a query finds: UTF-16 units, the end behind it. */
export interface Hit {
  readonly start: number
  readonly end: number
}

/** A token that a query asks for; of the last one of a query the beginning is enough. */
interface Asked extends Pick<Token, 'text' | 'isSign' | 'isGlued'> {
  readonly isBeginning: boolean
}

/** Tokens that must follow each other. */
type Phrase = readonly Asked[]

/** A query that has been read. */
export interface Query {
  readonly phrases: readonly Phrase[]
  /** Terms that every text has which it finds, the longest first. */
  readonly terms: readonly string[]
  /** The beginning of a word that every such text has too, and the one of `terms` that says less of it. */
  readonly beginning?: { readonly word: string; readonly term: string }
}

/**
 * Reads a query: all of its words must be there, of the last one the beginning; what is in quotes, or written without
 * blanks, in this order. There are no operators.
 * @throws {AppError} `invalid` for nothing but blanks and marks, a single letter, and too much
 */
export function readQuery(text: string): Query {
  if (!text.isWellFormed()) throw new AppError('invalid', 'q is not well-formed Unicode')
  const phrases = phrasesOf(text)
  const tokens = phrases.flat()
  const [only] = tokens
  if (only === undefined) throw new AppError('invalid', 'q has no word to search for')
  if (tokens.length > MAX_TOKENS) throw new AppError('invalid', `q has more than ${MAX_TOKENS} words and signs`)
  if (tokens.length === 1 && !only.isSign && [...only.text].length < 2) {
    throw new AppError('invalid', 'One letter finds too much: give two')
  }
  const terms = new Set(phrases.flatMap(phrase => phrase.map(termOf(phrase))))
  return {
    phrases,
    terms: [...terms].sort((a, b) => b.length - a.length),
    ...omitUndefined({ beginning: beginningOf(tokens.at(-1)) })
  }
}

/** The last word where only its beginning is asked for, and that is longer than the beginnings that an index has. */
function beginningOf(last: Asked | undefined): Query['beginning'] {
  if (last?.isBeginning !== true || isShort(last.text)) return undefined
  const [word, term] = [wordTerm(last.text), prefixTerm(last.text)]
  return term === undefined ? undefined : { word, term }
}

function phrasesOf(text: string): Phrase[] {
  const phrases: Phrase[] = []
  let at = 0
  for (const match of text.matchAll(QUOTED)) {
    phrases.push(...chunksOf(text.slice(at, match.index)), exactly(tokensOf(fold(match[1] ?? ''))))
    at = match.index + match[0].length
  }
  const rest = chunksOf(text.slice(at))
  return [...phrases, ...rest.slice(0, -1), ...rest.slice(-1).map(withBeginning)].filter(it => it.length > 0)
}

function chunksOf(text: string): Phrase[] {
  const chunks = text.split(/\s+/u).map(chunk => exactly(tokensOf(fold(chunk))))
  return chunks.filter(it => it.length > 0)
}

function exactly(tokens: readonly Token[]): Phrase {
  return tokens.map(({ text, isSign, isGlued }) => ({ text, isSign, isGlued, isBeginning: false }))
}

function withBeginning(phrase: Phrase): Phrase {
  return phrase.map((token, index) => {
    const isLast = index === phrase.length - 1
    return isLast && !token.isSign && [...token.text].length > 1 ? { ...token, isBeginning: true } : token
  })
}

function termOf(phrase: Phrase): (token: Asked, index: number) => string {
  return ({ text, isSign, isGlued, isBeginning }, index) => {
    const before = phrase[index - 1]
    if (isSign) return isGlued && before?.isSign === true ? before.text + text : text
    return (isBeginning ? prefixTerm(text) : undefined) ?? wordTerm(text)
  }
}

/**
 * A pattern of every text that a query finds, and of some others: in ASCII its longest word, or anything else than
 * ASCII, which would have to be folded first. The word is letters and digits; undefined where no word is of these alone.
 */
export function roughPattern({ phrases }: Pick<Query, 'phrases'>): RegExp | undefined {
  const words = phrases.flatMap(phrase => phrase.map(({ text }) => text)).filter(text => /^[a-z0-9]+$/.test(text))
  const [longest] = words.sort((a, b) => b.length - a.length)
  return longest === undefined ? undefined : new RegExp(`[^\\x00-\\x7f]|${longest}`, 'i')
}

/** The places in a text that a query finds, in their order; undefined where it does not find the text. */
export function hitsOf({ phrases }: Pick<Query, 'phrases'>, text: string): Hit[] | undefined {
  const folded = fold(text)
  // Most texts that are looked at lack a word: that is seen sooner without cutting them.
  if (!phrases.every(phrase => phrase.every(it => folded.text.includes(it.text)))) return undefined
  const tokens = tokensOf(folded)
  const hits: Hit[] = []
  for (const phrase of phrases) {
    const found = placesOf(phrase, tokens)
    if (found.length === 0) return undefined
    hits.push(...found)
  }
  return merge(hits)
}

function placesOf(phrase: Phrase, tokens: readonly Token[]): Hit[] {
  const places: Hit[] = []
  const last = tokens.length - phrase.length
  for (let at = 0; at <= last && places.length < MAX_HITS; at++) {
    if (!isAt(phrase, tokens, at)) continue
    places.push({ start: tokens[at]?.start ?? 0, end: tokens[at + phrase.length - 1]?.end ?? 0 })
    at += phrase.length - 1
  }
  return places
}

function isAt(phrase: Phrase, tokens: readonly Token[], at: number): boolean {
  return phrase.every(({ text, isGlued, isBeginning }, index) => {
    const token = tokens[at + index]
    if (token === undefined || (isGlued && index > 0 && !token.isGlued)) return false
    return isBeginning ? !token.isSign && token.text.startsWith(text) : token.text === text
  })
}

/** The same places in their order, those that touch as one. */
function merge(hits: readonly Hit[]): Hit[] {
  const merged: Hit[] = []
  for (const hit of [...hits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = merged.at(-1)
    if (last === undefined || hit.start > last.end) merged.push(hit)
    else merged[merged.length - 1] = { start: last.start, end: Math.max(last.end, hit.end) }
  }
  return merged.slice(0, MAX_HITS)
}
