import { type IncomingMessage, ServerResponse } from 'node:http'
import { ERRORS } from '../../../protocol/errors.ts'
import { presentError } from '../../errors.ts'

/**
 * Answers a request of socket.io with an error, as every other request would be.
 * @param response without a body of its own where the request is an upgrade
 */
export function refuseRequest(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
  const error = presentError(thrown)
  const text = JSON.stringify({ error })
  const answer = response instanceof ServerResponse ? response : answerUpgrade(request)
  if (error.retryAfterMs !== undefined) answer.setHeader('retry-after', Math.ceil(error.retryAfterMs / 1_000))
  answer.writeHead(ERRORS[error.code].status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text)
  })
  answer.end(text)
}

/** Answer to an upgrade that is refused; its socket is closed then. */
function answerUpgrade(request: IncomingMessage): ServerResponse {
  const { socket } = request
  socket.on('error', () => socket.destroy())
  const answer = new ServerResponse(request)
  answer.shouldKeepAlive = false
  answer.assignSocket(socket)
  answer.once('finish', () => socket.destroySoon())
  return answer
}
