import type { IncomingMessage, Server } from 'node:http'

/** Time that a request may take with its body, ms. */
export const BODY_MS = 30_000
/** Time that a form with a file may, once it is known who sends it, ms; and a pause in it. */
const FORM_MS = 3_600_000
const PAUSE_MS = 60_000
/** Time in which the rest of a body that is refused is read, so that the client reads why, ms. */
const REST_MS = 5_000

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/**
 * Ends requests whose bodies do not come. Node has one bound for all of them, and files take longer.
 * @param bodyMs time that a request may take with its body, ms
 */
export function endSlowBodies(server: Server, bodyMs = BODY_MS): void {
  server.requestTimeout = FORM_MS
  server.prependListener('request', (request: IncomingMessage) => {
    const { headers } = request
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return
    const end = (): void => {
      if (!request.complete) server.emit('clientError', Object.assign(new Error('Slow'), SLOW), request.socket)
    }
    const timer = setTimeout(end, bodyMs).unref()
    timers.set(request, timer)
    request.once('close', () => clearTimeout(timer))
  })
}

const SLOW = { code: 'ERR_HTTP_REQUEST_TIMEOUT' }

/**
 * Gives a form with a file more time, as long as it goes on.
 * @param pauseMs longest pause in it, ms
 * @returns what is called once the form is there: nothing moves while its file is looked at and stored, which would end
 * as a pause
 */
export function allowLong(request: IncomingMessage, pauseMs = PAUSE_MS): () => void {
  clearTimeout(timers.get(request))
  request.setTimeout(pauseMs, () => request.destroy())
  return () => void request.setTimeout(0)
}

/** Reads what is left of a body, for a while: who still sends does not read an answer. */
export function readRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  request.unpipe()
  // Whoever took its bytes would hold them up.
  request.removeAllListeners('data')
  request.resume()
  const timer = setTimeout(() => request.destroy(), REST_MS).unref()
  request.once('close', () => clearTimeout(timer))
}
