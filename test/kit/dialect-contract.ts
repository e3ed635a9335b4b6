import type { FastifyInstance } from 'fastify'
import { CHOOSERS } from '../../src/dialects/overlaps/choosers.ts'
import { Checker } from '../fuzz/checker.ts'
import { JSON_TYPE, type OpenApi, type Operation } from '../fuzz/openapi.ts'

const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']

/** A route of a dialect's document, and what checks its answers. */
interface Candidate {
  readonly method: string
  readonly parts: readonly string[]
  /** Without the names of parameters. */
  readonly shape: string
  readonly operation: Operation
  /** By the schemas as they are: later versions may add fields. */
  readonly open: Checker
  /** By the schemas with the fields that they have and no others. */
  readonly strict: Checker
}

/** By dialect, made with the first question; documents are the same for all servers. */
const known = new Map<string, Promise<readonly Candidate[]>>()

interface Answered {
  readonly status: number
  readonly body: unknown
}

/**
 * Requires of what a route of a dialect answers that its document says so: all of its fields are described. Where
 * several documents share a path, all of them do, or where the request tells which is meant, one.
 * @throws {Error} that names the first difference
 */
export async function requireDialect(app: FastifyInstance, method: string, path: string, answer: Answered) {
  const segments = (path.split('?', 1)[0] ?? '').replace(/(?<=.)\/$/, '').split('/')
  const isUnder = DIALECTS.includes(segments[1] ?? '')
  const wanted = isUnder ? ['', ...segments.slice(2)] : segments
  const served = DIALECTS.filter(name => app.hasRoute({ method: 'GET', url: `/${name}/openapi.json` }))
  const asked = isUnder ? served.filter(name => name === segments[1]) : served
  const all = (await Promise.all(asked.map(async name => await candidatesOf(app, name)))).flat()
  const found = all.filter(it => it.method === method && isAt(it.parts, wanted))
  const words = Math.max(...found.map(wordsOf))
  const owners = found.filter(it => wordsOf(it) === words)
  const problems = owners.flatMap(owner => problemOf(owner, answer, owners.length === 1) ?? [])
  const isChosen = owners.some(({ shape }) => shape in CHOOSERS)
  if (problems.length > 0 && (!isChosen || problems.length === owners.length)) {
    throw new Error(
      `${method} ${path} answered ${answer.status}: ${problems.join('; ')} ${JSON.stringify(answer.body)}`
    )
  }
}

async function candidatesOf(app: FastifyInstance, dialect: string): Promise<readonly Candidate[]> {
  const found = known.get(dialect) ?? load(app, dialect)
  known.set(dialect, found)
  return await found
}

async function load(app: FastifyInstance, dialect: string): Promise<readonly Candidate[]> {
  const document: OpenApi = JSON.parse((await app.inject(`/${dialect}/openapi.json`)).body)
  const [open, strict] = [new Checker(document), new Checker(closed(document))]
  return Object.entries(document.paths).flatMap(([url, operations]) =>
    Object.entries(operations).map(([method, operation]) => {
      const shape = `${method.toUpperCase()} ${url.replace(/\{[^}]+\}/g, ':')}`
      return { method: method.toUpperCase(), parts: url.split('/'), shape, operation, open, strict }
    })
  )
}

function problemOf({ operation, open, strict }: Candidate, { status, body }: Answered, isStrict: boolean) {
  const described = operation.responses[status]
  if (described === undefined) return status < 500 ? 'a status that is not documented' : undefined
  const { content } = described.$ref === undefined ? described : open.resolve<typeof described>(described.$ref)
  const schema = content?.[JSON_TYPE]?.schema
  return schema === undefined ? undefined : (isStrict ? strict : open).problemOf(schema, body)
}

/** The same document, whose objects take no field that is not described. */
export function closed<T>(document: T): T {
  return JSON.parse(JSON.stringify(document), (_key, value) =>
    value?.type === 'object' && value.properties !== undefined && value.additionalProperties === undefined
      ? { ...value, additionalProperties: false }
      : value
  )
}

function isAt(parts: readonly string[], segments: readonly string[]): boolean {
  return parts.length === segments.length && parts.every((part, index) => isParameter(part) || part === segments[index])
}

/** A word in the path goes before a parameter. */
function wordsOf({ parts }: Candidate): number {
  return parts.filter(part => !isParameter(part)).length
}

function isParameter(part: string): boolean {
  return part.startsWith('{')
}
