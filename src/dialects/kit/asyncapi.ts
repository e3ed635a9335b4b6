import { serversAt } from '../../ops/api-docs/servers.ts'
import { type Json, NamedSchemas } from '../../ops/api-docs/shared-schemas.ts'
import { usedOnly } from '../../ops/api-docs/used.ts'
import type { Dialect } from './dialect.ts'

/** The AsyncAPI document of one dialect: commands and events by their names, in each framing that it has. */
export function describeDialectSocket({ name, answers, eventSchemas, realtime, routes }: Dialect): Json {
  const { commands } = realtime
  const said = commands.types.map(type => ({ key: `command.${keyOf(type)}`, type, payload: commands.schemaOf(type) }))
  const told = Object.entries(eventSchemas).map(([type, payload]) => ({ key: `event.${keyOf(type)}`, type, payload }))
  const all = [...said, ...told]
  const messages = Object.fromEntries(all.map(({ key, type, payload }) => [key, { name: type, payload }]))
  const operations = [
    ...said.map(({ key }) => [key, operation('receive', key)]),
    ...told.map(({ key }) => [key, operation('send', key)])
  ]
  const named = new NamedSchemas(answers)
  return {
    asyncapi: '3.0.0',
    info: {
      title: `Parley for ${name}`,
      version: '1.0.0',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
      description: `What apps of the kind \`${name}\` say and are told. A message is called what its command or event is.`
    },
    defaultContentType: 'application/json',
    servers: serversAt(),
    channels: {
      packets: channel('http', `/${name}`, {
        title: 'socket.io: a namespace; each message is a packet with its payload, and commands are acknowledged',
        keys: Object.keys(messages)
      }),
      frames: channel('socket', `/ws?dialect=${name}`, {
        title: 'A WebSocket: {"v":1,"type":<name>,"data":<payload>}, commands with an "id" that their reply has too',
        keys: Object.keys(messages)
      }),
      ...describeStreams(
        routes,
        told.map(({ key }) => key)
      )
    },
    operations: Object.fromEntries(operations),
    components: usedOnly({ messages: named.refs(messages), schemas: named.all })
  }
}

function describeStreams(routes: Dialect['routes'], keys: readonly string[]): Json {
  const stream = routes.find(({ isStream }) => isStream)
  if (stream === undefined) return {}
  return {
    stream: channel('http', stream.url, { title: 'Server-sent events: the name, and the payload as data', keys })
  }
}

function channel(server: string, address: string, { title, keys }: { title: string; keys: readonly string[] }): Json {
  return { address, title, servers: [{ $ref: `#/servers/${server}` }], messages: refsTo(keys) }
}

function operation(action: 'receive' | 'send', key: string): Json {
  const messages = [{ $ref: `#/channels/packets/messages/${key}` }]
  return { action, channel: { $ref: '#/channels/packets' }, messages }
}

/** Keys of messages and operations may not hold a colon. */
function keyOf(type: string): string {
  return type.replaceAll(':', '.')
}

function refsTo(keys: readonly string[]): Json {
  return Object.fromEntries(keys.map(key => [key, { $ref: `#/components/messages/${key}` }]))
}
