import { StreamReady, StreamReset } from '../../../protocol/connection/stream-events.ts'
import { type Command, type Event, PROTOCOL_VERSION } from '../../../protocol/envelope.ts'
import { commands, events } from '../../../protocol/index.ts'
import { serversAt } from './servers.ts'
import { canonicalSchemas, type Json } from './shared-schemas.ts'
import { usedOnly } from './used.ts'

const VERSION = { const: PROTOCOL_VERSION }
const ID = { type: 'string', pattern: '^[A-Za-z0-9_.:-]{1,64}$' }
const CHANNEL = { $ref: '#/channels/socket' }
const STREAM = { $ref: '#/channels/stream' }

/**
 * The AsyncAPI 3 document of the socket and of the event stream, as the server sees it: it receives commands, sends
 * replies and events.
 */
export function describeSocket(): Json {
  const messages: Record<string, Json> = { refusal }
  const operations: Record<string, Json> = {}
  for (const command of commands) {
    const name = `command.${dotted(command.type)}`
    const reply = `reply.${dotted(command.type)}`
    messages[name] = commandMessage(command)
    messages[reply] = replyMessage(command)
    operations[name] = {
      action: 'receive',
      channel: CHANNEL,
      summary: command.description,
      messages: [inChannel(name)],
      reply: { channel: CHANNEL, messages: [inChannel(reply), inChannel('refusal')] }
    }
  }
  for (const event of events) {
    const name = `event.${dotted(event.type)}`
    messages[name] = eventMessage(event)
    operations[name] = { action: 'send', channel: CHANNEL, summary: event.description, messages: [inChannel(name)] }
  }
  const streamed = describeStream()
  return {
    asyncapi: '3.0.0',
    info: INFO,
    defaultContentType: 'application/json',
    servers: serversAt(),
    channels: {
      socket: {
        address: '/ws',
        title: 'The socket',
        servers: [{ $ref: '#/servers/socket' }],
        messages: refsTo(Object.keys(messages))
      },
      stream: {
        address: '/v1/events',
        title: 'Server-sent events; the name of each message is the name of its event',
        servers: [{ $ref: '#/servers/http' }],
        messages: refsTo(Object.keys(streamed.messages))
      }
    },
    operations: { ...operations, ...streamed.operations },
    components: usedOnly({
      messages: canonicalSchemas.refs({ ...messages, ...streamed.messages }),
      schemas: canonicalSchemas.all
    })
  }
}

/** Messages and operations of the event stream. */
function describeStream() {
  const messages: Record<string, Json> = {}
  const operations: Record<string, Json> = {}
  for (const event of [...events, StreamReady, StreamReset]) {
    const name = `stream.${dotted(event.type)}`
    messages[name] = streamMessage(event)
    operations[name] = {
      action: 'send',
      channel: STREAM,
      summary: event.description,
      messages: [{ $ref: `#/channels/stream/messages/${name}` }]
    }
  }
  return { messages, operations }
}

function streamMessage({ type, description, data, isDurable }: Event): Json {
  const place = isDurable ? { stream: { type: 'string' }, rev: { type: 'integer', minimum: 1 } } : {}
  const properties = { ...place, data }
  return {
    name: type,
    summary: description,
    payload: { type: 'object', required: Object.keys(properties), properties }
  }
}

const INFO = {
  title: 'Parley',
  version: `${PROTOCOL_VERSION}.0.0`,
  license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
  description:
    'The WebSocket face of Parley: text frames, one JSON object each; and its event stream. How the parts work together (handshake, ' +
    'cursors, catching up, close codes) is in protocol/PROTOCOL.md; the REST face is in /openapi.json.'
}

/** Reply to a refused command, one for all; `id` and `type` as far as they could be read. */
const refusal: Json = {
  name: 'refusal',
  summary: 'A command was refused; unless the code is `unknown_outcome`, it had no effect.',
  payload: frame(
    { id: ID, type: { type: 'string' }, ok: { const: false }, error: { $ref: '#/components/schemas/Error' } },
    ['ok', 'error']
  )
}

function commandMessage({ type, description, data, isSilent }: Command): Json {
  const silent = isSilent ? ' Without `id` it gets no reply.' : ''
  const required = isSilent ? ['type', 'data'] : ['id', 'type', 'data']
  const payload = frame({ id: ID, type: { const: type }, data: data }, required)
  return { name: type, summary: `${description}${silent}`, payload }
}

function replyMessage({ type, reply }: Command): Json {
  const payload = frame({ id: ID, type: { const: type }, ok: { const: true }, data: reply }, [
    'id',
    'type',
    'ok',
    'data'
  ])
  return { name: type, summary: `\`${type}\` was done.`, payload }
}

function eventMessage({ type, description, data, isDurable }: Event): Json {
  const place = isDurable ? { stream: { type: 'string' }, rev: { type: 'integer', minimum: 1 } } : {}
  const payload = frame({ type: { const: type }, ...place, data: data }, ['type', ...Object.keys(place), 'data'])
  const kind = isDurable ? 'Durable: has its place in a stream.' : 'Ephemeral: may be lost.'
  return { name: type, summary: `${description} ${kind}`, payload }
}

function frame(properties: Json, required: readonly string[]): Json {
  return { type: 'object', required: ['v', ...required], properties: { v: VERSION, ...properties } }
}

/** Names of messages and operations may not hold a colon. */
function dotted(type: string): string {
  return type.replace(':', '.')
}

function inChannel(name: string): Json {
  return { $ref: `#/channels/socket/messages/${name}` }
}

function refsTo(names: readonly string[]): Json {
  return Object.fromEntries(names.map(name => [name, { $ref: `#/components/messages/${name}` }]))
}
