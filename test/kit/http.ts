import { Agent, request } from 'node:http'

interface Asking {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

/** Answer to a request, read to its end. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Time after which an unused connection is not used any more, before the server ends it, ms. */
const IDLE_MS = 30_000
const agent = new Agent({ keepAlive: true, timeout: IDLE_MS })

/** Asks over HTTP. Takes a third of the processor time of `fetch`, which tests spend by the ten thousand. */
export async function ask(url: string, { method, headers, body }: Asking): Promise<Answered> {
  return await new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
    const asked = request(url, { method, agent, headers: { ...headers, ...length } }, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', chunk => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: headersOf(response), text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

function headersOf({ rawHeaders }: { rawHeaders: readonly string[] }): Headers {
  const headers = new Headers()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    headers.append(rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '')
  }
  return headers
}
