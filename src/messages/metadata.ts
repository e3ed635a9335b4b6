import { AppError } from '../errors.ts'

/** Encoded as JSON, bytes. */
const MAX_BYTES = 4_096
const MAX_DEPTH = 4
/** Names that mean something to the database or to JavaScript. */
const RESERVED = /^\$|[.\0]|^(?:__proto__|constructor|prototype|_bsontype|toBSON|)$/

/**
 * @throws {AppError} `invalid` for what is not plain JSON of at most four levels, or has whole numbers that JavaScript
 * does not keep, `too_large` beyond 4 KiB
 */
export function requireMetadata(metadata: Readonly<Record<string, unknown>>): void {
  requirePlain(metadata, MAX_DEPTH)
  if (Buffer.byteLength(JSON.stringify(metadata)) > MAX_BYTES) {
    throw new AppError('too_large', `metadata is longer than ${MAX_BYTES} bytes`)
  }
}

function requirePlain(value: unknown, depth: number): void {
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new AppError('invalid', 'metadata has a number that is too large to be kept; write it as text')
  }
  if (isScalar(value)) return
  if (!isPlain(value) || depth === 0) throw new AppError('invalid', 'metadata is JSON of at most four levels')
  if (!Array.isArray(value)) requireNames(value as object)
  for (const item of Object.values(value as object)) requirePlain(item, depth - 1)
}

/** A list or an object of JSON: socket.io also brings bytes. */
function isPlain(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || [Object.prototype, null].includes(Object.getPrototypeOf(value))
}

function isScalar(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return value === null || typeof value === 'string' || typeof value === 'boolean'
}

function requireNames(value: object): void {
  const bad = Object.keys(value).find(name => RESERVED.test(name))
  if (bad !== undefined) throw new AppError('invalid', 'metadata has a name that is reserved')
}
