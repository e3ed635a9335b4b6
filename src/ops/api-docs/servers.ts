import type { Json } from './shared-schemas.ts'

/** Address by which a server was asked. */
export interface Asked {
  readonly host: string
  readonly isSecure: boolean
}

/** Address where `npm start` listens. */
const AT_HOME: Asked = { host: 'localhost:3000', isSecure: false }
const HOST = /^[A-Za-z0-9.:[\]_-]{1,255}$/

/** The servers of an AsyncAPI document: the one that was asked for it, by each protocol. */
export function serversAt({ host, isSecure }: Asked = AT_HOME) {
  const known = HOST.test(host) ? host : AT_HOME.host
  const description = 'The server that was asked for this document.'
  return {
    socket: { host: known, protocol: isSecure ? 'wss' : 'ws', description },
    http: { host: known, protocol: isSecure ? 'https' : 'http', description }
  } satisfies Json
}
