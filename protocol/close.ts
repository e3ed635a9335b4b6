/**
 * Close codes. The hundreds say what the client does: 40xx stop and show it, 41xx get a new token and connect,
 * 42xx back off with full jitter, 43xx come back in the slot given. Anything else acts as 42xx.
 */
export const CLOSE = {
  bad_frame: 4000,
  hello_required: 4001,
  protocol_violation: 4002,
  unsupported_version: 4003,
  banned: 4004,
  auth_invalid: 4100,
  auth_expired: 4101,
  session_revoked: 4102,
  account_disabled: 4103,
  internal: 4200,
  overloaded: 4201,
  too_many_connections: 4202,
  rate_abuse: 4203,
  hello_timeout: 4204,
  drain: 4300,
  slow_consumer: 4301,
  heartbeat_timeout: 4302,
  resync: 4303
} as const

/** Why the server closes a connection; also the reason text of the close frame. */
export type CloseReason = keyof typeof CLOSE
