const PREFIX_LENGTH = 12
const MAX_WORDS = 8

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

/** As much of a word as is kept to find it by. */
export function beginning(word: string): string {
  return [...word].slice(0, PREFIX_LENGTH).join('')
}

/** Search keys of a name: the beginnings of its words. */
export function searchTokens({ username = '', displayName }: { username?: string; displayName: string }): string[] {
  const tokens = new Set<string>()
  for (const word of foldedWords(`${username} ${displayName}`).slice(0, MAX_WORDS)) {
    const letters = [...word].slice(0, PREFIX_LENGTH)
    for (let length = 1; length <= letters.length; length++) tokens.add(letters.slice(0, length).join(''))
  }
  return [...tokens]
}
