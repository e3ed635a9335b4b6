const PREFIX_LENGTH = 12
const MAX_WORDS = 8
const MAX_QUERY_WORDS = 4
/** Half of everybody has a word that begins with it. Elsewhere one sign may be a whole name. */
const ONE_LETTER = /^\p{Script=Latin}$/u
const whole = (word: string): string => `=${word}`

/** Words in lower case and without accents. */
export function foldedWords(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  )
}

/** Search keys that a query asks for: beginnings of its words, and of one Latin letter alone the whole word. */
export function queryTokens(text: string): string[] {
  const words = foldedWords(text).slice(0, MAX_QUERY_WORDS)
  if (words.length === 1 && ONE_LETTER.test(words[0] ?? '')) return words.map(whole)
  return words.map(word => [...word].slice(0, PREFIX_LENGTH).join(''))
}

/** Search keys of a name: the beginnings of its words. */
export function searchTokens({ username = '', displayName }: { username?: string; displayName: string }): string[] {
  const tokens = new Set<string>()
  for (const word of foldedWords(`${username} ${displayName}`).slice(0, MAX_WORDS)) {
    const letters = [...word].slice(0, PREFIX_LENGTH)
    if (ONE_LETTER.test(word)) tokens.add(whole(word))
    for (let length = 1; length <= letters.length; length++) tokens.add(letters.slice(0, length).join(''))
  }
  return [...tokens]
}
