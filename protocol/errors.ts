/** Retry after an error: nothing, get a new token, or try the same again later. */
export type Retry = 'no' | 'auth' | 'later'

/**
 * Errors that a client can see, on REST (with its status) and on the socket alike. A code is never renamed or
 * reused; a test compares this table with PROTOCOL.md. An error that is not `unknown_outcome` had no effect.
 */
export const ERRORS = {
  bad_frame: { status: 400, retry: 'no' },
  invalid: { status: 400, retry: 'no' },
  unknown_type: { status: 400, retry: 'no' },
  unsupported_version: { status: 400, retry: 'no' },
  unsupported_media_type: { status: 415, retry: 'no' },
  method_not_allowed: { status: 405, retry: 'no' },
  forbidden: { status: 403, retry: 'no' },
  proof_required: { status: 403, retry: 'no' },
  not_configured: { status: 409, retry: 'no' },
  not_found: { status: 404, retry: 'no' },
  conflict: { status: 409, retry: 'no' },
  idempotency_mismatch: { status: 409, retry: 'no' },
  blocked: { status: 403, retry: 'no' },
  edit_window_closed: { status: 409, retry: 'no' },
  approval_pending: { status: 409, retry: 'later' },
  gone: { status: 410, retry: 'no' },
  precondition_failed: { status: 412, retry: 'no' },
  too_large: { status: 413, retry: 'no' },
  locked: { status: 423, retry: 'later' },
  head_too_large: { status: 431, retry: 'no' },
  quota_reached: { status: 409, retry: 'no' },
  unauthenticated: { status: 401, retry: 'auth' },
  token_expired: { status: 401, retry: 'auth' },
  session_revoked: { status: 401, retry: 'auth' },
  account_disabled: { status: 403, retry: 'no' },
  rate_limited: { status: 429, retry: 'later' },
  too_many_in_flight: { status: 429, retry: 'later' },
  timeout: { status: 408, retry: 'later' },
  busy: { status: 503, retry: 'later' },
  draining: { status: 503, retry: 'later' },
  unknown_outcome: { status: 504, retry: 'later' },
  internal: { status: 500, retry: 'later' }
} as const satisfies Record<string, { status: number; retry: Retry }>

/** The machine-readable name of an error, for ever the same. */
export type ErrorCode = keyof typeof ERRORS
