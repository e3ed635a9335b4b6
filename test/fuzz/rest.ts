import { Agent, request } from 'node:http'
import fc from 'fast-check'
import { Checker } from './checker.ts'
import type { Findings } from './findings.ts'
import { withKnown } from './known.ts'
import { type Answer, type OpenApi, type Operation, problemOf } from './openapi.ts'
import { type Case, casesOf, headersOf, pathOf } from './requests.ts'
import type { World } from './world.ts'

const TIMEOUT_MS = 20_000
const agent = new Agent({ keepAlive: true })

/** An OpenAPI document: where it is served, and the prefixes of its paths. */
interface Served {
  readonly path: string
  readonly prefixes: readonly string[]
}

const DIALECTS = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom']

/** Documents of the canonical API and of the dialects, whose routes are at the root and under their name. */
export const SERVED: readonly Served[] = [
  { path: '/openapi.json', prefixes: [''] },
  ...DIALECTS.map(name => ({ path: `/${name}/openapi.json`, prefixes: ['', `/${name}`] }))
]

interface Options {
  readonly seed: number
  /** Requests of each operation. */
  readonly cases: number
}

/** Asks for every operation of every document, and checks each answer by the document. */
export async function fuzzRest(world: World, findings: Findings, { seed, cases }: Options): Promise<void> {
  let place = 0
  for (const { path, prefixes } of SERVED) {
    const document: OpenApi = (await world.server.call(undefined, 'GET', path)).body
    const checker = new Checker(document)
    const offering = withKnown<OpenApi>(document, world.known)
    const { resolve } = new Checker(offering)
    for (const [url, operations] of Object.entries(offering.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        place += 1
        const requests = fc.sample(casesOf(operation, prefixes, resolve), { seed: seed + place, numRuns: cases })
        const route = { method: method.toUpperCase(), url, operation, checker }
        for (const it of requests) await tryCase(world, findings, route, it)
      }
    }
  }
}

interface Route {
  readonly method: string
  readonly url: string
  readonly operation: Operation
  readonly checker: Checker
}

async function tryCase(world: World, findings: Findings, { method, url, operation, checker }: Route, it: Case) {
  const token = world.tokenOf(it.who)
  const path = pathOf(url, it)
  const headers = { ...headersOf(it), ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) }
  const send = async () => await ask(world.server.url + path, { method, headers, body: it.body.text })
  // A kept connection may have ended meanwhile.
  const answer = await send().catch(send).catch(broken)
  findings.note(`${method} ${it.prefix}${url}`, {
    outcome: String(answer.status),
    problem: problemOf(checker, operation.responses, answer),
    example: () => `${it.who} ${path} ${it.body.type} ${it.body.text} => ${answer.status} ${answer.text}`
  })
  if (it.who === 'guest' && answer.status === 401) await world.renewGuest()
}

/** A connection that breaks stands for an answer that no document has. */
function broken(error: Error): Answer {
  return { status: 0, type: '', text: error.message }
}

interface Asking {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

/** Asks over HTTP, and reads an answer that ends. */
async function ask(url: string, { method, headers, body }: Asking): Promise<Answer> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  return await new Promise((resolve, reject) => {
    const asked = request(url, { method, agent, headers: { ...headers, ...length }, timeout: TIMEOUT_MS }, response => {
      const { statusCode: status = 0, headers: given } = response
      const type = given['content-type']?.split(';', 1)[0] ?? ''
      if (type === 'text/event-stream') {
        resolve({ status, type, text: '' })
        asked.destroy()
        return
      }
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.on('end', () => resolve({ status, type, text })).on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(new Error(`${method} ${url}: no answer within ${TIMEOUT_MS} ms`)))
    asked.on('error', reject)
    asked.end(body)
  })
}
