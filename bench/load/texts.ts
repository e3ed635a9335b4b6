const VOCABULARY = 40_000
const SYLLABLES =
  'ba be bi bo da de di do fa fe fi ga go ka ke ki la le li lo ma me mi na ne ni no pa pe ra re ri ro sa se si so ta te ti to va ve wa we za zo'.split(
    ' '
  )

/** A number from 0 to 1 that is the same for the same key. */
function noise(key: number): number {
  let mixed = Math.imul(key ^ 0x9e37_79b9, 0x85eb_ca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}

/** The word of a rank: short ones come often. */
function wordOf(rank: number): string {
  const count = 1 + Math.min(4, Math.floor(Math.log10(rank + 2) * 1.1))
  return Array.from({ length: count }, (_, n) => SYLLABLES[Math.floor(noise(rank * 7 + n) * SYLLABLES.length)]).join('')
}

/** Rank of a word as often as people use it: Zipf's law. */
function rankOf(key: number): number {
  return Math.floor(VOCABULARY ** noise(key)) - 1
}

/** A sentence of about eight words, the same for the same number. */
export function makeText(n: number): string {
  const length = 3 + Math.floor(noise(n * 31 + 5) * 12)
  return Array.from({ length }, (_, word) => wordOf(rankOf(n * 16 + word))).join(' ')
}

/** A word to ask for, mostly one that is neither very common nor unknown. */
export function makeWord(n: number): string {
  return wordOf(rankOf(n * 977 + 13))
}
