import { AppError } from './errors.ts'

/** Only blanks, and marks that show nothing: zero width, joiners, direction, fillers, the empty Braille pattern. */
const INVISIBLE = /^[\s\p{Cf}\p{Mn}\p{DI}\u2800\u{1d159}]*$/u

/** Half characters, and marks that turn the direction of the text around them. */
const UNREADABLE = /[\p{Surrogate}\u202a-\u202e\u2066-\u2069]/u

/** @throws {AppError} `invalid` for text that shows nothing or is not Unicode, `too_large` beyond `maxBytes` of UTF-8 */
export function requireText(text: string, maxBytes: number): void {
  if (!text.isWellFormed()) throw new AppError('invalid', 'The text is not well-formed Unicode')
  if (INVISIBLE.test(text)) throw new AppError('invalid', 'The text is empty')
  if (Buffer.byteLength(text) > maxBytes) throw new AppError('too_large', `The text is longer than ${maxBytes} bytes`)
}

/**
 * Text that can be stored and shown beside others, without blanks around it.
 * @throws {AppError} `invalid` unless it is readable
 */
export function requirePlainText(field: string, text: string): string {
  if (!isReadable(text)) throw new AppError('invalid', `${field} is not readable text`)
  return text.trim()
}

/** Text of whole characters; it may be empty. @throws {AppError} `invalid` for a half one */
export function requireWellFormed(field: string, text: string): string {
  if (!text.isWellFormed()) throw new AppError('invalid', `${field} is not readable text`)
  return text
}

/** Whether a text shows something, without half characters and without turning the direction of what is around it. */
export function isReadable(text: string): boolean {
  return !INVISIBLE.test(text) && !UNREADABLE.test(text)
}

/** A moment that somebody names, of the form of the contract's `Moment`. @throws {AppError} `invalid` when there is no such */
export function requireMoment(field: string, text: string): Date {
  const moment = new Date(text)
  if (Number.isNaN(moment.getTime())) throw new AppError('invalid', `${field} is not a moment`)
  return moment
}
