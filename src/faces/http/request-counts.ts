import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorCode } from '../../../protocol/errors.ts'
import { LabelCounts } from '../../label-counts.ts'

declare module 'fastify' {
  interface FastifyInstance {
    readonly requests: RequestCounts
  }
  interface FastifyRequest {
    /** Code of the refusal that answers it. */
    refusal: ErrorCode | undefined
  }
}

/** Labels of a request; `route` is the pattern, never the path. */
export interface RequestLabels {
  readonly method: string
  readonly route: string
  readonly status: string
}

/** Requests that were answered. */
export class RequestCounts {
  readonly refusals = new LabelCounts<'code'>()
  /** Hears of each answer; without its time where it is a stream, which lasts as long as its client likes. */
  onAnswered: (labels: RequestLabels, seconds: number | undefined) => void = () => undefined
}

/** Lets an app count its requests, but for those of probes and of who reads the figures. */
export function countRequests(app: FastifyInstance): void {
  const counts = new RequestCounts()
  app.decorate('requests', counts)
  app.decorateRequest('refusal', undefined)
  app.addHook('onResponse', (request, reply, done) => {
    if (request.refusal !== undefined) counts.refusals.count({ code: request.refusal })
    if (request.routeOptions.config.isUnlimited !== true) {
      counts.onAnswered(labelsOf(request, reply), isStream(reply) ? undefined : reply.elapsedTime / 1_000)
    }
    done()
  })
}

/** A path that is no route's is `none`, whatever its method: strangers can make up as many as they like. */
function labelsOf({ method, routeOptions, is404 }: FastifyRequest, { raw }: FastifyReply): RequestLabels {
  const status = String(raw.statusCode)
  const { url } = routeOptions
  return is404 || url === undefined ? { method: 'none', route: 'none', status } : { method, route: url, status }
}

function isStream({ raw }: FastifyReply): boolean {
  return String(raw.getHeader('content-type')).startsWith('text/event-stream')
}
