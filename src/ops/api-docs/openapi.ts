import Fastify from 'fastify'
import { OpenEvents } from '../../../protocol/connection/stream-routes.ts'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import { namedRoutes } from '../../../protocol/index.ts'
import type { Route } from '../../../protocol/route.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { operationContracts } from '../contract.ts'
import { type DescribedRoute, finishOperation } from './operations.ts'
import { refusalComponents } from './refusals.ts'
import { canonicalSchemas, type Json, type NamedSchemas } from './shared-schemas.ts'
import { usedOnly } from './used.ts'

const TAGS = [
  { name: 'auth', description: 'Accounts, tokens and sessions.' },
  { name: 'users', description: 'Profiles, settings and presence.' },
  { name: 'conversations', description: 'Conversations, their members, receipts and typing.' },
  { name: 'messages', description: 'Messages, history and reactions.' },
  { name: 'files', description: 'Files that people upload, and fetch where they see them.' },
  { name: 'search', description: 'Finding messages by their words, and conversations and people by their names.' },
  { name: 'requests', description: 'Requests to talk or to be friends.' },
  { name: 'contacts', description: 'The people of somebody’s address book who have an account here.' },
  { name: 'friends', description: 'People who have both said that they are friends.' },
  { name: 'blocks', description: 'People with whom nothing is exchanged any more, either way.' },
  { name: 'events', description: 'What happens, as server-sent events.' },
  { name: 'admin', description: 'What operators decide about people.' },
  { name: 'operations', description: 'Health and figures, for who runs the server.' }
]
/** Operations of a newcomer, in the order they are tried. */
const FIRST = ['Register', 'Login', 'CreateConversation', 'SendMessage', 'GetHistory']

/** The OpenAPI 3.1 document of everything under `/v1`, and of what operators ask for, made from the contracts alone. */
export async function describeRest(): Promise<Json> {
  const routes = [...namedRoutes].sort(([a], [b]) => rankOf(a) - rankOf(b))
  const operations = Object.entries(operationContracts).map(([name, { response, ...it }]) => ({
    ...it,
    ...{ method: 'GET', id: idOf(name), responses: response }
  }))
  return await describeRoutes(
    {
      title: 'Parley',
      description: 'The REST face of Parley. The socket is described by AsyncAPI: [/asyncapi.json](/asyncapi.json).'
    },
    {
      tags: TAGS,
      routes: [
        ...[...routes, ['OpenEvents', OpenEvents] as const].map(([name, it]) => describe(name, it)),
        ...operations
      ],
      named: canonicalSchemas,
      refusal: code => ({
        error: { code, message: 'In words for people', retry: ERRORS[code].retry, requestId: 'req-1' }
      })
    }
  )
}

interface Described {
  readonly tags: readonly { name: string; description: string }[]
  readonly routes: readonly DescribedRoute[]
  /** Schemas that have names; `Refusal` is that of a body that refuses. */
  readonly named: NamedSchemas
  /** An example of a body that refuses. */
  readonly refusal: (code: ErrorCode) => unknown
}

/** The OpenAPI 3.1 document of any routes, with how they refuse. */
export async function describeRoutes(
  info: { title: string; description: string },
  { tags, routes, named, refusal }: Described
): Promise<Json> {
  const document = await describePaths(info, tags, routes)
  const bodies: Json = {}
  for (const route of routes) {
    const operation = document.paths[route.url.replace(/:(\w+)/g, '{$1}')]?.[route.method.toLowerCase()]
    if (operation === undefined) throw new Error(`${route.method} ${route.url} is not described`)
    finishOperation(operation, route, (name, schema) => {
      const folded = named.refs(schema)
      if (typeof folded !== 'object' || folded === null || '$ref' in folded) return folded
      bodies[name] = folded
      return { $ref: `#/components/schemas/${name}` }
    })
  }
  const components = {
    ...document.components,
    schemas: { ...named.all, ...bodies },
    responses: refusalComponents(refusal)
  }
  return { ...document, components: usedOnly(components, document.paths) }
}

type OpenApi = Json & { readonly components: Json; readonly paths: Record<string, Record<string, Json>> }

/** The document with paths and parameters, without bodies. */
async function describePaths(
  info: { title: string; description: string },
  tags: Described['tags'],
  routes: readonly DescribedRoute[]
): Promise<OpenApi> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = Fastify()
  app.setValidatorCompiler(() => () => true)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        ...info,
        version: '1.0.0',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' }
      },
      servers: [{ url: '/' }],
      tags: [...tags],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ bearer: [] }]
    }
  })
  for (const { method, url, id, summary, tags, security, params, querystring, headers } of routes) {
    const parts = omitUndefined({ security, params, querystring, headers })
    const schema: object = { operationId: id, summary, tags, ...parts }
    app.route({ method: method as 'GET', url, schema, handler: () => undefined })
  }
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger())) as OpenApi
  await app.close()
  return document
}

function describe(name: string, { method, url, isPublic, isOptional, form, bytes, schema }: Route): DescribedRoute {
  const { response: responses, ...parts } = schema
  const security = isOptional ? [{}, { bearer: [] }] : isPublic ? [] : undefined
  return { id: idOf(name), method, url: `/v1${url}`, ...parts, responses, ...omitUndefined({ security, form, bytes }) }
}

function idOf(name: string): string {
  return name.charAt(0).toLowerCase() + name.slice(1)
}

/** Tag by tag, in the order of the tags the first time, and then by name. */
function rankOf(name: string): number {
  const place = FIRST.indexOf(name)
  return place < 0 ? FIRST.length : place
}
