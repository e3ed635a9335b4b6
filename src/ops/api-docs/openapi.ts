import Fastify from 'fastify'
import type { ErrorCode } from '../../../protocol/errors.ts'
import { routes } from '../../../protocol/index.ts'
import type { Route } from '../../../protocol/route.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { addRefusals, canonicalBody, type Operation, refusalComponents } from './refusals.ts'
import { type Json, sharedSchemas, withRefs } from './shared-schemas.ts'

const TAGS = [
  { name: 'auth', description: 'Accounts, tokens and sessions.' },
  { name: 'users', description: 'Profiles and presence.' },
  { name: 'conversations', description: 'Conversations, their members, receipts and typing.' },
  { name: 'messages', description: 'Messages, history and reactions.' }
]

/** The schema of a refusal with one of these codes. */
const bodyOf = (codes: readonly ErrorCode[]): Json =>
  canonicalBody({ allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { code: { enum: codes } } }] })

/** The OpenAPI 3.1 document of everything under `/v1`, made from the contracts alone. */
export async function describeRest(): Promise<Json> {
  const document = await describeRoutes(
    {
      title: 'Parley',
      description: 'The REST face of Parley. The socket is described by AsyncAPI: [/asyncapi.json](/asyncapi.json).'
    },
    {
      tags: TAGS,
      routes: routes.map(contract => ({ ...contract, url: `/v1${contract.url}`, schema: describe(contract) })),
      bodyOf
    }
  )
  return finish(document)
}

interface Described {
  readonly tags: readonly { name: string; description: string }[]
  readonly routes: readonly { readonly method: string; readonly url: string; readonly schema: Json }[]
  /** The schema of a refusal with one of these codes. */
  readonly bodyOf: (codes: readonly ErrorCode[]) => Json
}

/** The OpenAPI 3.1 document of any routes, with how they refuse. */
export async function describeRoutes(
  info: { title: string; description: string },
  { tags, routes: described, bodyOf }: Described
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
  for (const path of Object.values(document.paths)) {
    for (const [method, operation] of Object.entries(path)) finishOperation(method, operation)
  }
  return { ...document, components: { ...document.components, responses: refusalComponents(bodyOf) } }
}

type OpenApi = Json & { components: Json; paths: Record<string, Record<string, DescribedOperation>> }

function describe({ isPublic, isOptional, schema }: Route): Json {
  if (isOptional) return { ...schema, security: [{}, { bearer: [] }] }
  return { ...schema, ...omitUndefined({ security: isPublic === true ? [] : undefined }) }
}

function finish({ components, paths, ...rest }: OpenApi): Json {
  return { ...rest, components: { ...components, schemas: sharedSchemas() }, paths: withRefs(paths) }
}

interface Media {
  readonly contentMediaType?: string
  readonly anyOf?: readonly Media[]
}

type Content = Record<string, { schema?: Media }>

interface DescribedOperation extends Operation {
  readonly responses: Record<string, { description?: string; content?: Content; $ref?: string }>
}

const GRANTED: Record<string, string> = {
  200: 'Done.',
  201: 'Made.',
  202: 'Under way.',
  204: 'Done; there is no body.'
}

function finishOperation(method: string, operation: DescribedOperation): void {
  for (const [status, response] of Object.entries(operation.responses)) {
    response.description = GRANTED[status] ?? 'Done.'
    if (status === '204') delete response.content
    const { schema } = response.content?.['application/json'] ?? {}
    const media = [schema, ...(schema?.anyOf ?? [])].filter(it => it?.contentMediaType !== undefined)
    if (media.length > 0) response.content = Object.fromEntries(media.map(it => [it?.contentMediaType, { schema: it }]))
  }
  addRefusals(method, operation)
}
