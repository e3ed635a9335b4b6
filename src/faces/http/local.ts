import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isLoopback } from '../../config/hosts.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** True for a request from this machine, through no proxy. */
    readonly isLocal: boolean
  }
}

/** Headers by which proxies say for whom they ask (RFC 7239, and what came before it). */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via']

/** Lets every request say whether it is one of a developer on this machine. */
export function markLocalRequests(app: FastifyInstance): void {
  app.decorateRequest('isLocal', {
    getter(this: FastifyRequest) {
      const address = this.socket.remoteAddress?.replace(/^::ffff:/, '') ?? ''
      return isLoopback(address) && !FORWARDED.some(name => name in this.headers)
    }
  })
}
