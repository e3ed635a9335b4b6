import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'

/** A message by its place among those of a person: the newest first, and of one moment by their ids. */
export interface Place {
  readonly id: ObjectId
  readonly at: Date
}

/** A block by its place among those of a person: the one that ends last first. */
export interface BlockPlace {
  readonly at: Date
  readonly conversationId: ObjectId
  readonly span: number
}

/** Where a search goes on. */
export interface Position {
  /** Only messages behind this place are wanted. */
  readonly after: Place | undefined
  /** Messages from this place on were found and not kept. */
  readonly floor: Place | undefined
  /** The last conversation of which the messages outside of blocks were looked at. */
  readonly looked: ObjectId | undefined
  /** The last block that was looked at. */
  readonly block: BlockPlace | undefined
  /** Messages that were found and not shown yet, the newest first. */
  readonly found: readonly Place[]
}

export const START: Position = { after: undefined, floor: undefined, looked: undefined, block: undefined, found: [] }

/** Messages of a cursor: those that are kept while others are looked for, and of a page those that did not fit it. */
const MAX_FOUND = 200

/** A number of 48 bits: a time, or a span. */
const NUMBER = 6
const ID = 12
/** Latest moment that there is. */
const MAX_TIME = 8.64e15

/** A position as a cursor of the API. */
export function encodePosition({ after, floor, looked, block, found }: Position): string {
  const flags = [after, floor, looked, block].reduce<number>((sum, part, bit) => (part ? sum + 2 ** bit : sum), 0)
  return Buffer.concat([
    Buffer.from([flags]),
    ...[after, floor].flatMap(place => (place === undefined ? [] : [placeBytes(place)])),
    ...(looked === undefined ? [] : [looked.id]),
    ...(block === undefined ? [] : [placeBytes({ id: block.conversationId, at: block.at }), numberBytes(block.span)]),
    ...found.map(placeBytes)
  ]).toString('base64url')
}

/** @throws {AppError} `invalid` for what is no cursor */
export function decodePosition(cursor: string): Position {
  const reader = new Reader(Buffer.from(cursor, 'base64url'))
  const flags = reader.byte()
  const [after, floor] = [flags & 1 ? reader.place() : undefined, flags & 2 ? reader.place() : undefined]
  const looked = flags & 4 ? reader.id() : undefined
  const block = flags & 8 ? reader.block() : undefined
  const found: Place[] = []
  while (!reader.isAtEnd) found.push(reader.place())
  if (flags > 15 || found.length > MAX_FOUND) throw noCursor()
  return { after, floor, looked, block, found }
}

/** Order of messages: negative where the first one comes first. */
export function comparePlaces(a: Place, b: Place): number {
  return b.at.getTime() - a.at.getTime() || compareIds(b.id, a.id)
}

/** Order of blocks. */
export function compareBlocks(a: BlockPlace, b: BlockPlace): number {
  return b.at.getTime() - a.at.getTime() || compareIds(a.conversationId, b.conversationId) || b.span - a.span
}

export function compareIds(a: ObjectId, b: ObjectId): number {
  return Buffer.compare(a.id, b.id)
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  byte(): number {
    return this.#take(1).readUInt8()
  }

  number(): number {
    return this.#take(NUMBER).readUIntBE(0, NUMBER)
  }

  id(): ObjectId {
    return new ObjectId(this.#take(ID))
  }

  place(): Place {
    const at = new Date(Math.min(this.number(), MAX_TIME))
    return { at, id: this.id() }
  }

  block(): BlockPlace {
    const { at, id } = this.place()
    return { at, conversationId: id, span: this.number() }
  }

  #take(length: number): Buffer {
    const bytes = this.#bytes.subarray(this.#at, this.#at + length)
    if (bytes.length < length) throw noCursor()
    this.#at += length
    return bytes
  }
}

function placeBytes({ at, id }: Place): Buffer {
  return Buffer.concat([numberBytes(at.getTime()), id.id])
}

function numberBytes(value: number): Buffer {
  const bytes = Buffer.alloc(NUMBER)
  bytes.writeUIntBE(Math.max(0, value), 0, NUMBER)
  return bytes
}

function noCursor(): AppError {
  return new AppError('invalid', 'cursor is none of this search')
}
