import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js'
import { AppError } from '../errors.ts'

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
export function identifierKeys({ username, phone, email }: Identifiers, region: string | undefined): IdentifierKeys {
  return {
    ...(username === undefined ? {} : { usernameKey: username.toLowerCase() }),
    ...(phone === undefined ? {} : { phone: requirePhone(phone, region) }),
    ...(email === undefined ? {} : { email: emailKey(email) })
  }
}

/** An email as it is kept. */
export function emailKey(email: string): string {
  return email.normalize('NFC').toLowerCase()
}

/**
 * Any spelling of a phone number as E.164; `00` counts as `+`, and without either it is a number of the region.
 * `undefined` when it cannot be one.
 */
export function parsePhone(text: string, region: string | undefined): string | undefined {
  const international = text.normalize('NFKC').trim().replace(/^00/, '+')
  const defaultCountry = isCountry(region) ? { defaultCountry: region } : {}
  const number = parsePhoneNumberFromString(international, { extract: false, ...defaultCountry })
  return number?.isValid() && number.ext === undefined ? number.number : undefined
}

function isCountry(region: string | undefined): region is CountryCode {
  return region !== undefined && isSupportedCountry(region)
}

function requirePhone(text: string, region: string | undefined): string {
  const phone = parsePhone(text, region)
  if (phone === undefined)
    throw new AppError('invalid', 'The phone number is not valid; write it with + and country code')
  return phone
}
