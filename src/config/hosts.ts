import { isIP } from 'node:net'

const CONNECTION = /^mongodb:\/\/(?:[^@/]*@)?([^/?]+)[^?]*\??(.*)$/
const TLS = /(?:^|&)(?:tls|ssl)=true(?:&|$)/i
/** Names that mean something only within a network, and addresses that are not routed beyond it (RFC 1918, 4193, 6762, 8375). */
const PRIVATE_NAME = /^[^.]+$|\.(?:local|localhost|internal|lan|home\.arpa|svc)$/i
const PRIVATE_ADDRESS = /^(?:127\.|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|::1$|f[cd]|fe80:)/i

/** Whether a connection string may lead over the Internet without TLS; `mongodb+srv` has it by itself. */
export function isInClear(uri = ''): boolean {
  const [, hosts = '', options = ''] = CONNECTION.exec(uri) ?? []
  return !TLS.test(options) && hosts !== '' && hosts.split(',').some(isPublic)
}

function isPublic(host: string): boolean {
  const name = /^\[(.*)\]/.exec(host)?.[1] ?? host.replace(/:\d+$/, '')
  return isIP(name) > 0 ? !isPrivateAddress(name) : !PRIVATE_NAME.test(name)
}

/** Whether an address is of this machine, or of a network that is not routed beyond itself. */
export function isPrivateAddress(address: string): boolean {
  return PRIVATE_ADDRESS.test(address)
}

/** Whether only this machine reaches a server that listens there. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** Whether a text names a proxy, or a network of them, as the server takes it. */
export function isProxy(proxy: string): boolean {
  return ['loopback', 'linklocal', 'uniquelocal'].includes(proxy) || isNetwork(proxy)
}

/** Whether a text is an address, or a network as an address and the bits that count of it. */
export function isNetwork(network: string): boolean {
  const [address = '', prefix = '0', ...rest] = network.split('/')
  const version = isIP(address)
  return version > 0 && rest.length === 0 && /^\d+$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128)
}
