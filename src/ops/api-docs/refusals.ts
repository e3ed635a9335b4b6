import { STATUS_CODES } from 'node:http'
import type { TSchema } from '@sinclair/typebox'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import { canonicalBody, type Json } from './shared-schemas.ts'

/** Traits of a route that decide how it may refuse. */
interface Traits {
  /** Takes something in its path, query or body. */
  readonly takesInput: boolean
  /** Needs a token, or signs in by its body. */
  readonly isCredited: boolean
  /** Has a method that changes something, and so may have a body. */
  readonly changes: boolean
  /** Answers with events, on a connection that stays open. */
  readonly isStream: boolean
  /** Speaks tus. */
  readonly isUpload: boolean
}

type Applies = (traits: Traits) => boolean

const never: Applies = () => false
const always: Applies = () => true
const withInput: Applies = ({ takesInput }) => takesInput
const whereCredited: Applies = ({ isCredited }) => isCredited
const whereChanged: Applies = ({ changes }) => changes
const whereUploaded: Applies = ({ isUpload }) => isUpload

/** Routes that may answer each error: the one place that says so, for all documents. */
const ROUTES_THAT_ANSWER: Readonly<Record<ErrorCode, Applies>> = {
  bad_frame: whereChanged,
  invalid: ({ takesInput, changes }) => takesInput || changes,
  unsupported_media_type: whereChanged,
  // Whoever asks for an upload may be the one who has its last byte looked at.
  too_large: ({ changes, isUpload }) => changes || isUpload,
  timeout: whereChanged,
  unauthenticated: whereCredited,
  token_expired: whereCredited,
  session_revoked: whereCredited,
  account_disabled: whereCredited,
  forbidden: whereCredited,
  blocked: whereCredited,
  proof_required: whereChanged,
  not_found: withInput,
  gone: withInput,
  conflict: whereChanged,
  idempotency_mismatch: whereChanged,
  edit_window_closed: whereChanged,
  approval_pending: whereChanged,
  quota_reached: ({ changes, isStream, isUpload }) => changes || isStream || isUpload,
  not_configured: whereChanged,
  unknown_outcome: whereChanged,
  precondition_failed: whereUploaded,
  locked: whereUploaded,
  head_too_large: always,
  rate_limited: always,
  busy: always,
  draining: always,
  internal: always,
  // Other methods are other operations; the rest is of connections that stay open.
  method_not_allowed: never,
  unknown_type: never,
  unsupported_version: never,
  too_many_in_flight: never
}

const CODES = (Object.keys(ERRORS) as ErrorCode[]).filter(code => ROUTES_THAT_ANSWER[code] !== never)

/** An operation, as far as it decides on refusals. */
interface Refusing {
  readonly method: string
  readonly security: readonly object[] | undefined
  readonly hasParameters: boolean
  readonly hasBody: boolean
  readonly isUpload: boolean
  readonly responses: Readonly<Record<number, TSchema>>
}

/** The refusals that an operation may answer, one for each status, as references into the components. */
export function refusalsOf({ method, security, hasParameters, hasBody, isUpload, responses }: Refusing): Json {
  const isPublic = security?.length === 0
  const traits = {
    takesInput: hasParameters || hasBody,
    changes: method !== 'GET',
    isStream: responses[200]?.['contentMediaType'] === 'text/event-stream',
    isCredited: !isPublic || hasBody,
    isUpload
  }
  const statuses = CODES.filter(code => ROUTES_THAT_ANSWER[code](traits)).map(code => ERRORS[code].status)
  return Object.fromEntries(statuses.map(status => [status, { $ref: `#/components/responses/${nameOf(status)}` }]))
}

/**
 * The refusals of all operations, by the names that `refusalsOf` refers to.
 * @param example of a body with this code
 */
export function refusalComponents(example: (code: ErrorCode) => unknown): Json {
  const statuses = new Set(CODES.map(code => ERRORS[code].status))
  return Object.fromEntries([...statuses].map(status => [nameOf(status), refusal(status, example)]))
}

function refusal(status: number, example: (code: ErrorCode) => unknown): Json {
  const codes = CODES.filter(code => ERRORS[code].status === status)
  const [code = 'internal'] = codes
  // Before the path is known there is one form for all.
  const isCanonical = code === 'head_too_large'
  const body = isCanonical
    ? { schema: canonicalBody({ $ref: '#/components/schemas/Error' }) }
    : { schema: { $ref: '#/components/schemas/Refusal' }, example: example(code) }
  return {
    description: `Refused: ${codes.map(code => `\`${code}\``).join(', ')}.`,
    headers: HEADERS[status] ?? RETRY_AFTER,
    content: { 'application/json': body }
  }
}

const RETRY_AFTER = { 'Retry-After': { description: 'Seconds; where waiting helps.', schema: { type: 'integer' } } }
const HEADERS: Record<number, Json> = {
  401: { 'WWW-Authenticate': { schema: { type: 'string' } } },
  429: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } }
}

/** Status as the name of a component: `NotFound`. */
function nameOf(status: number): string {
  return (STATUS_CODES[status] ?? String(status)).replace(/[^A-Za-z]/g, '')
}
