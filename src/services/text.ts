import { hash } from 'node:crypto'
import { AppError } from '../errors.ts'

/** Only blanks, and marks that show nothing: zero width, joiners, direction. */
const INVISIBLE = /^[\s\p{Cf}\p{Mn}]*$/u
const ONE_EMOJI = '^(?:\\p{RGI_Emoji}|\\p{Extended_Pictographic}\\p{Emoji_Modifier}?)$'

/** @throws {AppError} `invalid` for text that shows nothing or is not Unicode, `too_large` beyond `maxBytes` of UTF-8 */
export function requireText(text: string, maxBytes: number): void {
  if (!text.isWellFormed()) throw new AppError('invalid', 'The text is not well-formed Unicode')
  if (INVISIBLE.test(text)) throw new AppError('invalid', 'The text is empty')
  if (Buffer.byteLength(text) > maxBytes) throw new AppError('too_large', `The text is longer than ${maxBytes} bytes`)
}

/** Compiled with the first reaction, because the list of emoji is long. */
let emojiPattern: RegExp | undefined

/** @throws {AppError} `invalid` for anything but one emoji */
export function requireEmoji(emoji: string): void {
  // Not a literal, because TypeScript's target does not know the flag `v` yet, which Node 20 has.
  emojiPattern ??= new RegExp(ONE_EMOJI, 'v')
  if (!emojiPattern.test(emoji)) throw new AppError('invalid', 'A reaction is one emoji')
}

/** Tells a repeated send from another one with the same `clientId`. */
export function digest(...parts: (string | undefined)[]): string {
  return hash('sha1', JSON.stringify(parts), 'base64url')
}
