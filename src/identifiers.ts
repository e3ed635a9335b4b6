import { AppError } from './errors.ts'
import { omitUndefined } from './omit-undefined.ts'

const DIGIT = /\p{Nd}/u
/** Marks of direction, which phones put around a number that is copied from a contact card. */
const DIRECTION = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu
/** The numbering plans of all countries: with the first number, because they are large. */
const loadPhoneNumbers = async () => await import('libphonenumber-js')

/** Exactly one of these names somebody. */
export interface Identifiers {
  username?: string
  phone?: string
  email?: string
}

/** The identifiers in the form in which they are kept and found. */
export interface IdentifierKeys {
  usernameKey?: string
  phone?: string
  email?: string
}

/** @throws {AppError} `invalid` when the phone number cannot be one */
export async function identifierKeys(
  { username, phone, email }: Identifiers,
  region: string | undefined
): Promise<IdentifierKeys> {
  return omitUndefined({
    usernameKey: username?.trim().toLowerCase(),
    phone: phone === undefined ? undefined : await requirePhone(phone, region),
    email: email === undefined ? undefined : emailKey(email)
  })
}

/** An email as it is kept, without the blank that keyboards put around a word. */
export function emailKey(email: string): string {
  return email.trim().normalize('NFC').toLowerCase()
}

/** Whether a text may be a phone number: it has digits, and nobody calls letters. */
export function mayBePhone(text: string): boolean {
  return DIGIT.test(text)
}

/**
 * Normalise a phone number to E.164; `00` counts as `+`, and without either it is a number of the region. `tel:`
 * (RFC 3966) may stand before it. `undefined` when it cannot be one.
 * @param region country (ISO 3166) or calling code
 */
export async function parsePhone(text: string, region: string | undefined): Promise<string | undefined> {
  const plain = text.normalize('NFKC').replace(DIRECTION, '').trim()
  const international = plain.replace(/^tel:/i, '').replace(/^00/, '+')
  if (!mayBePhone(international)) return undefined
  const { parsePhoneNumberFromString, isSupportedCountry } = await loadPhoneNumbers()
  const isCountry = region !== undefined && isSupportedCountry(region)
  const place = isCountry ? { defaultCountry: region } : omitUndefined({ defaultCallingCode: region })
  const number = parsePhoneNumberFromString(international, { extract: false, ...place })
  return number?.isValid() && number.ext === undefined ? number.number : undefined
}

/** Country of a number in E.164 (ISO 3166), or its calling code where that is no country's. */
export async function countryOf(phone: string): Promise<string> {
  const { parsePhoneNumberFromString } = await loadPhoneNumbers()
  const number = parsePhoneNumberFromString(phone)
  return number?.country ?? number?.countryCallingCode ?? ''
}

async function requirePhone(text: string, region: string | undefined): Promise<string> {
  const phone = await parsePhone(text, region)
  if (phone === undefined)
    throw new AppError('invalid', 'The phone number is not valid; write it with + and country code')
  return phone
}
