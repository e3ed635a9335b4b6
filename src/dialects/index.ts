import type { FastifyPluginAsync } from 'fastify'
import type { DialectName } from '../config/config.ts'
import type { DescribeDialect } from '../ops/api-docs/rest.ts'
import { createChatapp } from './chatapp/index.ts'
import type { Dialect, DialectDeps } from './kit/dialect.ts'
import { addRoutes } from './kit/routes.ts'
import { createMobile } from './mobile/index.ts'
import { shapeOf, shareRoute } from './overlaps/routes.ts'
import { createReals2chat } from './reals2chat/index.ts'
import { createTaatom } from './taatom/index.ts'
import { createUnified } from './unified/index.ts'

type Create = (deps: DialectDeps) => Dialect

/** Dialects by name. */
const DIALECTS: Readonly<Partial<Record<DialectName, Create>>> = {
  mobile: createMobile,
  unified: createUnified,
  chatapp: createChatapp,
  reals2chat: createReals2chat,
  taatom: createTaatom
}

/** The dialects that are switched on. */
export function createDialects(deps: DialectDeps): Dialect[] {
  const { DIALECTS: names } = deps.config
  if (names.includes('none')) return []
  return Object.entries(DIALECTS)
    .filter(([name]) => names.includes(name as DialectName))
    .map(([, create]) => create(deps))
}

/** Make their documents, by name. */
export function describeDialects(dialects: readonly Dialect[]): Map<string, DescribeDialect> {
  return new Map(
    dialects.map(dialect => [
      dialect.name,
      {
        openApi: async () => await (await import('./kit/openapi.ts')).describeDialect(dialect),
        asyncApi: async () => (await import('./kit/asyncapi.ts')).describeDialectSocket(dialect)
      }
    ])
  )
}

/** Routes of the dialects at the root, where each document has them, and under `/<name>` as well. */
export const dialectRoutes: FastifyPluginAsync<{ dialects: readonly Dialect[] }> = async (app, { dialects }) => {
  const owners = ownersByShape(dialects)
  for (const dialect of dialects) {
    const own = dialect.routes.filter(route => owners.get(shapeOf(route))?.length === 1)
    await app.register(async scope => addRoutes(scope, { ...dialect, routes: own }))
    await app.register(async scope => addRoutes(scope, dialect), { prefix: `/${dialect.name}` })
  }
  for (const sharing of owners.values()) {
    if (sharing.length > 1) await app.register(async scope => shareRoute(scope, sharing))
  }
}

function ownersByShape(dialects: readonly Dialect[]) {
  const owners = new Map<string, { dialect: Dialect; route: Dialect['routes'][number] }[]>()
  for (const dialect of dialects) {
    for (const route of dialect.routes) {
      const shape = shapeOf(route)
      owners.set(shape, [...(owners.get(shape) ?? []), { dialect, route }])
    }
  }
  return owners
}
