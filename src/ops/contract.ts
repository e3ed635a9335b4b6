import { Type } from '@sinclair/typebox'
import { closed, oneOf } from '../../protocol/schema.ts'

export const Ready = closed({ status: oneOf('ok') })
export const NotReady = closed({ status: oneOf('draining', 'unavailable') })
const tags = ['operations']

/** Contracts of the routes for operators, by the names that generated clients have for them; paths are whole. */
export const operationContracts = {
  GetLiveness: {
    url: '/health/live',
    summary: 'The process answers',
    tags,
    security: [],
    response: { 200: Ready }
  },
  GetReadiness: {
    url: '/health/ready',
    summary: 'A write commits and its event arrives',
    tags,
    security: [],
    response: { 200: Ready, 503: NotReady }
  },
  GetMetrics: {
    url: '/metrics',
    summary: 'Figures for Prometheus; with METRICS_TOKEN as the token, where one is set',
    tags,
    security: [{}, { bearer: [] }],
    response: { 200: Type.String({ contentMediaType: 'text/plain' }) }
  }
}
