import { STATUS_CODES } from 'node:http'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import { type Json, WireErrorSchema } from './shared-schemas.ts'

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
}

type Applies = (traits: Traits) => boolean

const never: Applies = () => false
const always: Applies = () => true
const withInput: Applies = ({ takesInput }) => takesInput
const whereCredited: Applies = ({ isCredited }) => isCredited
const whereChanged: Applies = ({ changes }) => changes

/** Routes that may answer each error: the one place that says so, for all documents. */
const ROUTES_THAT_ANSWER: Readonly<Record<ErrorCode, Applies>> = {
  bad_frame: whereChanged,
  invalid: ({ takesInput, changes }) => takesInput || changes,
  unsupported_media_type: whereChanged,
  too_large: whereChanged,
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
  quota_reached: ({ changes, isStream }) => changes || isStream,
  not_configured: whereChanged,
  unknown_outcome: whereChanged,
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

/** An operation of an OpenAPI document, as far as it decides on refusals. */
export interface Operation {
  readonly security?: readonly unknown[]
  readonly parameters?: readonly unknown[]
  readonly requestBody?: unknown
  readonly responses: Record<string, { readonly content?: object }>
}

/** Adds to an operation the refusals that it may answer, one for each status, as references into the components. */
export function addRefusals(method: string, { security, parameters = [], requestBody, responses }: Operation): void {
  const changes = method !== 'get'
  const isPublic = security?.length === 0
  const takesInput = parameters.length > 0 || requestBody !== undefined
  const isStream = 'text/event-stream' in (responses['200']?.content ?? {})
  const traits = { takesInput, changes, isStream, isCredited: !isPublic || requestBody !== undefined }
  for (const code of CODES.filter(it => ROUTES_THAT_ANSWER[it](traits))) {
    const { status } = ERRORS[code]
    Object.assign(responses, { [status]: { $ref: `#/components/responses/${nameOf(status)}` } })
  }
}

/** The schema of a body of the canonical API that refuses. */
export function canonicalBody(error: Json): Json {
  return { type: 'object', additionalProperties: false, required: ['error'], properties: { error } }
}

/**
 * The refusals of all operations, by the names that `addRefusals` refers to.
 * @param bodyOf the schema of a body with one of these codes
 */
export function refusalComponents(bodyOf: (codes: readonly ErrorCode[]) => Json): Json {
  const statuses = new Set(CODES.map(code => ERRORS[code].status))
  return Object.fromEntries([...statuses].map(status => [nameOf(status), refusal(status, bodyOf)]))
}

function refusal(status: number, bodyOf: (codes: readonly ErrorCode[]) => Json): Json {
  const codes = CODES.filter(code => ERRORS[code].status === status)
  // Before the path is known there is one form for all.
  const schema = codes.includes('head_too_large') ? canonicalBody(WireErrorSchema) : bodyOf(codes)
  return {
    description: `Refused: ${codes.map(code => `\`${code}\``).join(', ')}.`,
    headers: HEADERS[status] ?? RETRY_AFTER,
    content: { 'application/json': { schema } }
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
