import Fastify from 'fastify'
import { ERRORS } from '../../../protocol/errors.ts'
import { routes } from '../../../protocol/index.ts'
import type { Route } from '../../../protocol/route.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { type Json, sharedSchemas, withRefs } from './shared-schemas.ts'

const TAGS = [
  { name: 'auth', description: 'Accounts, tokens and sessions.' },
  { name: 'users', description: 'Profiles and presence.' },
  { name: 'conversations', description: 'Conversations, their members, receipts and typing.' },
  { name: 'messages', description: 'Messages, history and reactions.' }
]

const errorBody = {
  'application/json': {
    schema: {
      type: 'object',
      additionalProperties: false,
      required: ['error'],
      properties: { error: { $ref: '#/components/schemas/Error' } }
    }
  }
}
const statuses = Object.entries(ERRORS).map(([code, { status }]) => `\`${code}\` ${status}`)

/** Answers that a route may give besides its own. */
const RESPONSES = {
  Unauthenticated: {
    description: 'There is no token, or it is not valid any more.',
    headers: { 'WWW-Authenticate': { schema: { type: 'string' } } },
    content: errorBody
  },
  RateLimited: {
    description: 'Too many requests; nothing was done.',
    headers: { 'Retry-After': { description: 'Seconds.', schema: { type: 'integer' } } },
    content: errorBody
  },
  Refused: { description: `Any other error. Codes and their statuses: ${statuses.join(', ')}.`, content: errorBody }
}

/** The OpenAPI 3.1 document of everything under `/v1`, made from the contracts alone. */
export async function describeRest(): Promise<Json> {
  const document = await describeRoutes(
    {
      title: 'Parley',
      description: 'The REST face of Parley. The socket is described by AsyncAPI: [/asyncapi.json](/asyncapi.json).'
    },
    {
      tags: TAGS,
      routes: routes.map(contract => ({ ...contract, url: `/v1${contract.url}`, schema: describe(contract) }))
    }
  )
  return finish(document)
}

interface Described {
  readonly tags: readonly { name: string; description: string }[]
  readonly routes: readonly { readonly method: string; readonly url: string; readonly schema: Json }[]
}

/** The OpenAPI 3.1 document of any routes. */
export async function describeRoutes(
  info: { title: string; description: string },
  { tags, routes: described }: Described
): Promise<OpenApi> {
  const { default: swagger } = await import('@fastify/swagger')
  const app = Fastify()
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        ...info,
        version: '1.0.0',
        license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' }
      },
      tags: [...tags],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
      security: [{ bearer: [] }]
    }
  })
  for (const { method, url, schema } of described) {
    app.route({ method: method as 'GET', url, schema, handler: () => undefined })
  }
  await app.ready()
  const document = JSON.parse(JSON.stringify(app.swagger())) as OpenApi
  await app.close()
  return document
}

type OpenApi = Json & { components: Json; paths: Json }

function describe({ isPublic, isOptional, schema }: Route): Json {
  if (isOptional) return { ...schema, security: [{}, { bearer: [] }] }
  return { ...schema, ...omitUndefined({ security: isPublic === true ? [] : undefined }) }
}

function finish({ components, paths, ...rest }: Json & { components: Json; paths: Json }): Json {
  for (const path of Object.values(paths)) {
    for (const operation of Object.values(path as Record<string, Operation>)) addErrors(operation)
  }
  const { securitySchemes } = components
  return {
    ...rest,
    components: { securitySchemes, schemas: sharedSchemas(), responses: RESPONSES },
    paths: withRefs(paths)
  }
}

type Content = Record<string, { schema?: { contentMediaType?: string } }>

interface Operation {
  security?: unknown[]
  responses: Record<string, { description?: string; content?: Content; $ref?: string }>
}

const GRANTED: Record<string, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Under way.',
  204: 'Done; there is no body.'
}

function addErrors({ responses, security }: Operation): void {
  for (const [status, response] of Object.entries(responses)) {
    response.description = GRANTED[status] ?? 'Done.'
    if (status === '204') delete response.content
    const { 'application/json': json } = response.content ?? {}
    const type = json?.schema?.contentMediaType
    if (json && type !== undefined) response.content = { [type]: json }
  }
  if (security?.length !== 0) Object.assign(responses, { 401: { $ref: '#/components/responses/Unauthenticated' } })
  Object.assign(responses, {
    429: { $ref: '#/components/responses/RateLimited' },
    default: { $ref: '#/components/responses/Refused' }
  })
}
