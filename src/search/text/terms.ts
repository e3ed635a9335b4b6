import { fold } from './fold.ts'
import { type Token, tokensOf } from './tokens.ts'

/** Version of tokens and terms: an index of another one is made anew. */
export const TERMS_VERSION = 1

/** Longest word of an index, code points; what comes behind is compared with the text. */
const MAX_WORD = 24
/** Lengths of the beginnings of words that an index has. */
const PREFIXES = [2, 3] as const

/** Terms by which a text is found: its words, their beginnings, and signs alone and in pairs. */
export function termsOf(text: string): Set<string> {
  const terms = new Set<string>()
  let last: Token | undefined
  for (const token of tokensOf(fold(text))) {
    if (token.isSign) addSign(terms, token, last)
    else addWord(terms, token.text)
    last = token
  }
  return terms
}

function addSign(terms: Set<string>, { text, isGlued }: Token, last: Token | undefined): void {
  terms.add(text)
  if (isGlued && last?.isSign === true) terms.add(last.text + text)
}

function addWord(terms: Set<string>, word: string): void {
  const term = wordTerm(word)
  // Its beginnings are there already.
  if (terms.has(term)) return
  terms.add(term)
  const letters = [...term.slice(0, 6)]
  for (const length of PREFIXES) {
    if (letters.length >= length) terms.add(`${letters.slice(0, length).join('')}*`)
  }
}

/** Whether an index has terms of its own for so short a beginning. */
export function isShort(beginning: string): boolean {
  return [...beginning].length <= PREFIXES[1]
}

/** The term of a whole word. */
export function wordTerm(word: string): string {
  return word.length <= MAX_WORD ? word : [...word].slice(0, MAX_WORD).join('')
}

/** The term of the beginning of a word; undefined for a single letter, which is asked for as a word. */
export function prefixTerm(beginning: string): string | undefined {
  const letters = [...beginning]
  const length = PREFIXES.findLast(it => it <= letters.length)
  return length === undefined ? undefined : `${letters.slice(0, length).join('')}*`
}
