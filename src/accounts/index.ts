import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { Collections, Database } from '../database/index.ts'
import type { AccountStore } from '../streams/store.ts'
import type { AddressStore, PushTokenStore, UserService, UserStore } from '../users/index.ts'
import { AddressService } from './addresses/addresses.ts'
import { CodeRequests } from './codes/code-requests.ts'
import { Codes } from './codes/codes.ts'
import { OtpService } from './codes/otp.ts'
import { OtpStore } from './codes/store.ts'
import type { Delivery } from './delivery/port.ts'
import { PasswordSignIn } from './passwords/password-sign-in.ts'
import { Passwords } from './passwords/passwords.ts'
import { QrService } from './qr/qr.ts'
import { QrStreams } from './qr/qr-streams.ts'
import { QrLoginStore } from './qr/store.ts'
import { SessionService } from './sessions/sessions.ts'
import { SessionStore } from './sessions/store.ts'
import { TicketStore } from './tickets/store.ts'
import { createAccountItems } from './user-items.ts'

export type { AddressService } from './addresses/addresses.ts'
export type { OtpService } from './codes/otp.ts'
export type { PasswordSignIn } from './passwords/password-sign-in.ts'
export type { QrService } from './qr/qr.ts'
export type { SessionService } from './sessions/sessions.ts'
export type { SessionStore } from './sessions/store.ts'
export { presentSignIn } from './sign-in.ts'
export type { Authenticator } from './tokens/authenticator.ts'

/** The collections of sign-ins. */
export const accountCollections: Collections = {
  otps: OtpStore.indexes,
  qrLogins: QrLoginStore.indexes,
  sessions: SessionStore.indexes,
  tickets: TicketStore.indexes
}

export function createAccountStores({ db }: Database) {
  return {
    otps: new OtpStore(db),
    qrLogins: new QrLoginStore(db),
    sessions: new SessionStore(db),
    tickets: new TicketStore(db)
  }
}

interface AccountDeps {
  readonly store: ReturnType<typeof createAccountStores> & {
    readonly users: UserStore
    readonly addresses: AddressStore
    readonly pushTokens: PushTokenStore
    readonly accounts: AccountStore
  }
  readonly bus: Bus
  readonly config: Config & { readonly JWT_SECRET: readonly string[] }
  readonly users: UserService
  readonly delivery: Delivery
  readonly onError: (error: unknown) => void
}

/** Signing in: by password, one-time code and QR code, and the sessions that it opens. */
export function createAccounts(deps: AccountDeps) {
  const sessions = new SessionService(deps)
  const codes = new Codes(deps)
  const codeRequests = new CodeRequests({ ...deps, codes })
  const signIn = { ...deps, sessions, passwords: new Passwords(), codes, codeRequests }
  const qr = new QrService(signIn)
  return {
    addresses: new AddressService(signIn),
    auth: new PasswordSignIn(signIn),
    otp: new OtpService(signIn),
    qr,
    qrStreams: new QrStreams(qr, deps.config),
    sessions,
    accountItems: createAccountItems(deps.store.sessions)
  }
}
