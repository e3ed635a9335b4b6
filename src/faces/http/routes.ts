import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { Route } from '../../../protocol/route.ts'
import type { BoundRoute, Call, Reply } from '../../contract/route.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { takeBytes } from './bodies/bytes.ts'
import { takeForms } from './bodies/forms.ts'
import { methodsOf } from './methods.ts'

/** Serves routes of the contract. */
export const contractRoutes: FastifyPluginAsync<{ readonly routes: readonly BoundRoute[] }> = async (
  app,
  { routes }
) => {
  const isForm = ({ contract }: BoundRoute) => contract.form !== undefined
  const isBytes = ({ contract }: BoundRoute) => contract.bytes !== undefined
  for (const route of routes.filter(it => !isForm(it) && !isBytes(it))) addRoute(app, route)
  await app.register(async scope => {
    await takeForms(scope)
    for (const route of routes.filter(isForm)) addRoute(scope, route)
  })
  await app.register(async scope => {
    takeBytes(
      scope,
      routes.flatMap(({ contract }) => contract.bytes ?? [])
    )
    for (const route of routes.filter(isBytes)) addRoute(scope, route)
  })
}

function addRoute(app: FastifyInstance, { contract, handle, bodyLimit, countedBy }: BoundRoute): void {
  const { method, url, isPublic = false, isOptional = false, isProvedByBody = false, schema } = contract
  const status = Math.min(...Object.keys(schema.response).map(Number))
  app.route({
    ...omitUndefined({ bodyLimit }),
    method: methodsOf(method, isStream(schema)),
    url,
    schema: { ...schema },
    config: { isPublic, isOptional, isProvedByBody, isStream: isStream(schema), ...omitUndefined({ countedBy }) },
    // What Fastify has validated is as the contract says.
    handler: async (request, reply) =>
      await handle(request as unknown as Call<Route>, reply.code(status) as unknown as Reply)
  })
}

function isStream({ response }: Route['schema']): boolean {
  return Object.values(response).some(it => it['contentMediaType'] === 'text/event-stream')
}
