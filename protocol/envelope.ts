import type { Static, TSchema } from '@sinclair/typebox'
import type { ErrorCode, Retry } from './errors.ts'

/** The protocol's major version: the `v` of every frame. */
export const PROTOCOL_VERSION = 1
/** The WebSocket subprotocol of this version; offering it is optional. */
export const SUBPROTOCOL = 'parley.v1'

/** Command of a client: `{v, id, type, data}`, answered by a reply with the same `id` and `type`. */
export interface Command<
  Name extends string = string,
  Data extends TSchema = TSchema,
  Reply extends TSchema = TSchema
> {
  readonly type: Name
  readonly description: string
  readonly data: Data
  readonly reply: Reply
  /** May be sent without `id`, and then gets no reply. */
  readonly isSilent: boolean
  /** Counts as done, and is not, where the person is over their limit: others may miss it. */
  readonly isDroppable: boolean
}

/** The stream that a durable event is a change of; an ephemeral one is a change of `none` and may be lost. */
export type EventStream = 'conversation' | 'user' | 'either' | 'none'

/** An event with its data, as it is passed on: the pair of `type` and `data` is the declaration's. */
export interface TypedEvent<Name extends string = string, Data = unknown> {
  readonly type: Name
  readonly data: Data
}

/** Event that the server sends. A durable event has a place (`rev`) in a stream; an ephemeral one may be lost. */
export interface Event<
  Name extends string = string,
  Data extends TSchema = TSchema,
  Stream extends EventStream = EventStream
> {
  readonly type: Name
  readonly description: string
  readonly data: Data
  readonly stream: Stream
  readonly isDurable: boolean
  /** Makes an event of this type; the compiler checks the data. */
  create(data: Static<Data>): TypedEvent<Name, Static<Data>>
}

interface CommandParts<Data extends TSchema, Reply extends TSchema> {
  description: string
  data: Data
  reply: Reply
  isSilent?: boolean
  isDroppable?: boolean
}

/** Declares a command. */
export function command<const Name extends string, Data extends TSchema, Reply extends TSchema>(
  type: Name,
  { description, data, reply, isSilent = false, isDroppable = false }: CommandParts<Data, Reply>
): Command<Name, Data, Reply> {
  return { type, description, data, reply, isSilent, isDroppable }
}

/** Declares an event that has its `rev` in a stream and is never lost. */
export function durable<
  const Stream extends Exclude<EventStream, 'none'>,
  const Name extends string,
  Data extends TSchema
>(stream: Stream, type: Name, description: string, data: Data): Event<Name, Data, Stream> {
  return { type, description, data, stream, isDurable: true, create: value => ({ type, data: value }) }
}

/** Declares an event that may be lost and is never stored. */
export function ephemeral<const Name extends string, Data extends TSchema>(
  type: Name,
  description: string,
  data: Data
): Event<Name, Data, 'none'> {
  return { type, description, data, stream: 'none', isDurable: false, create: value => ({ type, data: value }) }
}

/** The events that declarations make, as a union that is told apart by `type`. */
export type Created<E> = E extends { create(data: never): infer Created } ? Created : never

/** A refusal on the wire, the same in a reply and in a REST body's `error`. */
export interface WireError {
  code: ErrorCode
  message: string
  retry: Retry
  retryAfterMs?: number
}

/** The text of a reply that grants. */
export function encodeReply(id: string, type: string, data: unknown): string {
  return `{"v":1,"id":${JSON.stringify(id)},"type":${JSON.stringify(type)},"ok":true,"data":${JSON.stringify(data)}}`
}

/** The text of a reply that refuses; `id` and `type` as far as they could be read. */
export function encodeRefusal(id: string | undefined, type: string | undefined, error: WireError): string {
  return JSON.stringify({ v: PROTOCOL_VERSION, id, type, ok: false, error })
}

/** The text of an event that is a change of a stream. */
export function encodeDurable(type: string, stream: string, rev: number, data: unknown): string {
  return `{"v":1,"type":"${type}","stream":"${stream}","rev":${rev},"data":${JSON.stringify(data)}}`
}

/** The text of an event that nobody will miss. */
export function encodeEphemeral(type: string, data: unknown): string {
  return `{"v":1,"type":"${type}","data":${JSON.stringify(data)}}`
}
