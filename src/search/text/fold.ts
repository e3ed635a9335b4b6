/** A text as it is compared, and where in the original each of its UTF-16 units comes from. */
export interface Folded {
  readonly text: string
  /** The unit of the original at which the letter of a unit of `text` begins. */
  startOf(index: number): number
  /** The unit of the original behind that letter and its marks. */
  endOf(index: number): number
}

/** A letter with its marks, or the parts of a Hangul syllable. */
const PIECE =
  /[\u1100-\u115f\ua960-\ua97c]+[\u1160-\u11a7\ud7b0-\ud7c6]*[\u11a8-\u11ff\ud7cb-\ud7fb]*|[\s\S](?:\p{M}|[\u{1f3fb}-\u{1f3ff}])*/gu
/**
 * Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic, the Arabic elongation, rings around signs, skin
 * tones, and what is not shown at all. Marks of other scripts are vowels and tones, which tell words apart.
 */
const MARKS = new RegExp(
  '[\\u0300-\\u036f\\u20d0-\\u20ff' +
    '\\u0591-\\u05bd\\u05bf\\u05c1\\u05c2\\u05c4\\u05c5\\u05c7' +
    '\\u0610-\\u061a\\u0640\\u064b-\\u065f\\u0670\\u06d6-\\u06dc\\u06df-\\u06e4\\u06e7\\u06e8\\u06ea-\\u06ed' +
    '\\u{1f3fb}-\\u{1f3ff}\\p{Default_Ignorable_Code_Point}]',
  'gu'
)
/** Letters that are no other letter with a mark, as they are typed without them. */
const LETTERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    ...{ ı: 'i', ß: 'ss', ł: 'l', ø: 'o', đ: 'd', ð: 'd', æ: 'ae', œ: 'oe', þ: 'th', ħ: 'h', ς: 'σ' }
  })
)
/** Pieces whose folded form is kept. */
const MAX_KEPT = 20_000

const ASCII = /^[\0-\x7f]*$/

const kept = new Map<string, string>()

/**
 * Folds a text: without accents and case, in letters that every keyboard has. The same text in another normal form is
 * folded alike.
 */
export function fold(text: string): Folded {
  if (isAscii(text)) return { text: text.toLowerCase(), startOf: index => index, endOf: index => index + 1 }
  const starts: number[] = []
  const ends: number[] = []
  let folded = ''
  let at = 0
  for (const piece of text.match(PIECE) ?? []) {
    const end = at + piece.length
    const letters = foldPiece(piece)
    for (let unit = 0; unit < letters.length; unit++) {
      starts.push(at)
      ends.push(end)
    }
    folded += letters
    at = end
  }
  return { text: folded, startOf: index => starts[index] ?? text.length, endOf: index => ends[index] ?? text.length }
}

/** Whether a text has the characters of ASCII alone. */
export function isAscii(text: string): boolean {
  return ASCII.test(text)
}

function foldPiece(piece: string): string {
  const known = kept.get(piece)
  if (known !== undefined) return known
  const bare = piece.normalize('NFKD').replace(MARKS, '').normalize('NFC').toLowerCase().replace(MARKS, '')
  const folded = [...bare].map(letter => LETTERS.get(letter) ?? letter).join('')
  if (kept.size >= MAX_KEPT) kept.clear()
  // Long runs of marks are not worth their room.
  if (piece.length <= 8) kept.set(piece, folded)
  return folded
}
