import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { takeForms } from '../../faces/http/bodies/forms.ts'
import { readJsonBodies } from '../../faces/http/bodies/json.ts'
import { methodsOf } from '../../faces/http/methods.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Call, Dialect } from './dialect.ts'
import { withKey } from './idempotency-key.ts'
import { withoutNulls } from './nulls.ts'

/** Adds routes to a scope; every refusal is in the words of their app. */
export async function addRoutes(
  scope: FastifyInstance,
  { routes, presentError }: Pick<Dialect, 'routes' | 'presentError'>
): Promise<void> {
  // Apps set the type on every request.
  readJsonBodies(scope, { isEmptyAllowed: true })
  add(scope, { routes: routes.filter(({ form }) => form === undefined), presentError })
  const forms = routes.filter(({ form }) => form !== undefined)
  if (forms.length === 0) return
  const formScope: FastifyPluginAsync = async inner => {
    await takeForms(inner)
    add(inner, { routes: forms, presentError })
  }
  await scope.register(formScope)
}

function add(scope: FastifyInstance, { routes, presentError }: Pick<Dialect, 'routes' | 'presentError'>): void {
  for (const { method, url, schema, isPublic, isProvedByBody, isChanging, countedBy, status, ...route } of routes) {
    const { body, headers } = schema
    scope.route({
      method: methodsOf(method, isChanging),
      exposeHeadRoute: false,
      url,
      schema,
      config: { isPublic, isProvedByBody, presentError, isStream: route.isStream, ...omitUndefined({ countedBy }) },
      ...omitUndefined({ bodyLimit: route.bodyLimit }),
      // Apps leave the body away where all of it is optional.
      preValidation: async request => {
        if (body !== undefined) request.body = withoutNulls(body, request.body ?? {})
      },
      preHandler: async request => {
        if (headers !== undefined) request.body = withKey(request)
      },
      handler: async (request, reply) =>
        await route.handle(request as unknown as Call<unknown, unknown, unknown>, reply.code(status))
    })
  }
}
