import { AppError } from './errors.ts'

/** Only blanks, and marks that show nothing: zero width, joiners, direction. */
const INVISIBLE = /^[\s\p{Cf}\p{Mn}]*$/u

/** @throws {AppError} `invalid` for text that shows nothing or is not Unicode, `too_large` beyond `maxBytes` of UTF-8 */
export function requireText(text: string, maxBytes: number): void {
  if (!text.isWellFormed()) throw new AppError('invalid', 'The text is not well-formed Unicode')
  if (INVISIBLE.test(text)) throw new AppError('invalid', 'The text is empty')
  if (Buffer.byteLength(text) > maxBytes) throw new AppError('too_large', `The text is longer than ${maxBytes} bytes`)
}

/**
 * Text that can be stored and shown: no half characters, no blanks around it.
 * @throws {AppError} `invalid`, also when nothing is left
 */
export function requirePlainText(field: string, text: string): string {
  const trimmed = text.trim()
  if (trimmed === '' || /\p{Surrogate}/u.test(trimmed)) throw new AppError('invalid', `${field} is not readable text`)
  return trimmed
}
