import type { Bus } from '../bus/bus.ts'
import type { Config } from '../config/config.ts'
import type { Collections, Database } from '../database/index.ts'
import { KnownNetworks } from '../limits/known-networks.ts'
import { NetworkBuckets } from '../limits/network-buckets.ts'
import { rateOf } from '../limits/token-buckets.ts'
import type { AccountStore } from '../streams/store.ts'
import type { AddressStore, PushTokenStore, UserService, UserStore } from '../users/index.ts'
import { AddressService } from './addresses/addresses.ts'
import { CodeCounts } from './codes/code-counts.ts'
import { CodeRequests } from './codes/code-requests.ts'
import { Codes } from './codes/codes.ts'
import { OtpService } from './codes/otp.ts'
import { OtpLimits } from './codes/otp-limits.ts'
import { OtpStore } from './codes/store.ts'
import type { Delivery } from './delivery/port.ts'
import { PasswordSignIn } from './passwords/password-sign-in.ts'
import { Passwords } from './passwords/passwords.ts'
import { QrService } from './qr/qr.ts'
import { QrStreams } from './qr/qr-streams.ts'
import { QrLoginStore } from './qr/store.ts'
import { SessionService } from './sessions/sessions.ts'
import { SessionStore } from './sessions/store.ts'
import { SignInCounts } from './sign-in-counts.ts'
import { TicketStore } from './tickets/store.ts'
import { TicketService } from './tickets/tickets.ts'
import { createAccountItems } from './user-items.ts'

export type { AddressService } from './addresses/addresses.ts'
export type { CodeCounts } from './codes/code-counts.ts'
export type { OtpService } from './codes/otp.ts'
export type { PasswordSignIn } from './passwords/password-sign-in.ts'
export type { QrService } from './qr/qr.ts'
export { UNNAMED_DEVICE } from './sessions/making-room.ts'
export type { SessionService } from './sessions/sessions.ts'
export type { SessionStore } from './sessions/store.ts'
export { presentSignIn } from './sign-in.ts'
export type { SignInCounts } from './sign-in-counts.ts'
export type { Authenticator } from './tokens/authenticator.ts'

const HOUR_MS = 3_600_000

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
  const { registrationsPerHour, registrationsBurst } = deps.config.limits
  const sessions = new SessionService(deps)
  const codeCounts = new CodeCounts()
  const signIns = new SignInCounts()
  const counted = { ...deps, known: new KnownNetworks(), codeCounts, signIns }
  const limited = { ...counted, otpLimits: new OtpLimits(counted) }
  const codes = new Codes(limited)
  const signIn = {
    ...limited,
    sessions,
    passwords: new Passwords(),
    codes,
    codeRequests: new CodeRequests({ ...limited, codes }),
    registrations: new NetworkBuckets(rateOf(registrationsPerHour, HOUR_MS, registrationsBurst))
  }
  const qr = new QrService(signIn)
  return {
    addresses: new AddressService(signIn),
    auth: new PasswordSignIn(signIn),
    otp: new OtpService(signIn),
    qr,
    qrStreams: new QrStreams(qr, deps.config),
    sessions,
    tickets: new TicketService({ ...deps, sessions }),
    codeCounts,
    signIns,
    accountItems: createAccountItems(deps.store.sessions)
  }
}
