import { timingSafeEqual } from 'node:crypto'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { isUnreached } from '../database/availability.ts'
import { AppError } from '../errors.ts'
import { operationContracts } from './contract.ts'
import type { LoadMetrics } from './lazy-metrics.ts'

/** Time a write may take before the server calls itself not ready, ms: so much that the answer is there within 3 s. */
const PROBE_MS = 2_500

interface Options {
  loadMetrics: LoadMetrics
  metricsToken: string | undefined
  /** Without a token only this machine gets figures, through no proxy. */
  isMetricsLocal: boolean
  isDraining: () => boolean
  /** Rejects when nothing can be written, or when what is written is not told. */
  probe: (timeoutMs: number) => Promise<void>
}

const { GetLiveness, GetReadiness, GetMetrics } = operationContracts

/** Faces for the operator: whether it lives, whether it can serve, and what it does. */
export const operationRoutes: FastifyPluginAsync<Options> = async (
  app,
  { loadMetrics, metricsToken, isMetricsLocal, isDraining, probe }
) => {
  const config = { isPublic: true, isUnlimited: true }
  let wasReady = true
  app.get(GetLiveness.url, {
    config,
    handler: async () => ({ status: 'ok' })
  })
  app.get(GetReadiness.url, {
    config,
    handler: async (request, reply) => {
      if (isDraining()) return reply.code(503).send({ status: 'draining' })
      try {
        await probe(PROBE_MS)
        wasReady = true
        return { status: 'ok' }
      } catch (error) {
        // Probes come every few seconds, and an outage of the database has its own line.
        if (wasReady && !isUnreached(error)) request.log.warn({ reason: String(error) }, 'Not ready')
        wasReady = false
        return reply.code(503).send({ status: 'unavailable' })
      }
    }
  })
  app.get(GetMetrics.url, {
    config,
    handler: async (request, reply) => {
      if (metricsToken !== undefined) requireToken(request, metricsToken)
      else if (isMetricsLocal && !request.isLocal) {
        throw new AppError('forbidden', 'Set METRICS_TOKEN, or ask from the same machine')
      }
      const metrics = await loadMetrics()
      reply.type(metrics.contentType)
      return await metrics.text()
    }
  })
}

function requireToken({ headers }: FastifyRequest, token: string): void {
  const given = Buffer.from(headers.authorization ?? '')
  const wanted = Buffer.from(`Bearer ${token}`)
  if (given.length !== wanted.length || !timingSafeEqual(given, wanted)) {
    throw new AppError('unauthenticated', 'Authorization: Bearer <METRICS_TOKEN> is required')
  }
}
