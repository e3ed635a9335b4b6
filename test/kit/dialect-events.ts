import { eventSchemas as chatapp } from '../../src/dialects/chatapp/event-schemas.ts'
import { eventSchemas as mobile } from '../../src/dialects/mobile/event-schemas.ts'
import { eventSchemas as reals2chat } from '../../src/dialects/reals2chat/event-schemas.ts'
import { eventSchemas as taatom } from '../../src/dialects/taatom/event-schemas.ts'
import { eventSchemas as unified } from '../../src/dialects/unified/event-schemas.ts'
import { Checker } from '../fuzz/checker.ts'
import { closed } from './dialect-contract.ts'

const BY_DIALECT = new Map<string, Readonly<Record<string, object>>>(
  Object.entries({ chatapp, mobile, reals2chat, taatom, unified, app: taatom }).map(([name, schemas]) => [
    name,
    closed(schemas)
  ])
)
const checker = new Checker({})

/** Place where a client of a dialect is. */
interface Client {
  readonly namespace?: string
  readonly query?: Readonly<Record<string, string>>
}

/**
 * Compares what an app is told with what its document says of events of this name.
 * @returns what is not as described, of which nothing is left out
 */
export function eventProblem({ namespace = '', query = {} }: Client, name: string, data: unknown): string | undefined {
  const main = query['token'] === undefined ? 'unified' : 'reals2chat'
  const schema = BY_DIALECT.get(namespace.slice(1) || (query['dialect'] ?? main))?.[name]
  const problem = schema === undefined ? undefined : checker.problemOf(schema, data)
  return problem === undefined ? undefined : `${name} is told otherwise: ${problem} ${JSON.stringify(data)}`
}
