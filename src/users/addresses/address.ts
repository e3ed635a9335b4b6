/** A phone number (E.164) or an email (in lower case): what can be proved by a code. */
export type Address = { readonly phone: string } | { readonly email: string }

/** Fields of somebody who has proved an address. */
export function verified(address: Address, at: Date) {
  return 'phone' in address ? { ...address, phoneVerifiedAt: at } : { ...address, emailVerifiedAt: at }
}

/** Fields of somebody who only says that an address is theirs. */
export function unverified(address: Address) {
  return 'phone' in address ? { unverifiedPhone: address.phone } : { unverifiedEmail: address.email }
}
