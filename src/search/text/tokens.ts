import { type Folded, isAscii } from './fold.ts'

/** A word, or a sign of a script that is written without spaces, or an emoji; folded. */
export interface Token {
  readonly text: string
  /** Whether it is a sign or an emoji: it is found in the middle of others. */
  readonly isSign: boolean
  /** Whether nothing stands between the token before and this one. */
  readonly isGlued: boolean
  /** Place in the original, UTF-16 units. */
  readonly start: number
  readonly end: number
}

const SIGN =
  '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}\\p{Script=Thai}\\p{Script=Lao}' +
  '\\p{Script=Khmer}\\p{Script=Myanmar}\\u30fc\\u3005]'
const EMOJI = '\\p{Regional_Indicator}{2}|\\p{Regional_Indicator}|\\p{Extended_Pictographic}'
/** Signs without their punctuation, emoji, and words: letters and digits with their marks. */
const TOKEN = new RegExp(
  `((?!\\p{P})${SIGN}|${EMOJI})|(?!${SIGN})[\\p{L}\\p{N}](?:(?!${SIGN})[\\p{L}\\p{N}\\p{M}])*`,
  'gu'
)
const ASCII_WORD = /[a-z0-9]+/g

/** The tokens of a text, in their order. */
export function tokensOf(folded: Folded): Token[] {
  const tokens: Token[] = []
  let last = -1
  for (const match of folded.text.matchAll(isAscii(folded.text) ? ASCII_WORD : TOKEN)) {
    const [token, sign] = match
    const end = match.index + token.length
    const place = { start: folded.startOf(match.index), end: folded.endOf(end - 1) }
    tokens.push({ text: token, isSign: sign !== undefined, isGlued: match.index === last, ...place })
    last = end
  }
  return tokens
}
