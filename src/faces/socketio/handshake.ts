import type { Socket } from 'socket.io'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { bearerToken } from '../../realtime/credential.ts'

/** Whether a client of version 2 is in the main namespace, where it begins without having asked for it. */
export function isLegacyMain({ conn, nsp }: Socket): boolean {
  return conn.protocol === 3 && nsp.name === '/'
}

/** Name of the dialect that a client asks for. */
export function namedDialect({ handshake: { query, auth } }: Socket): string | undefined {
  return textOf(auth['dialect'] ?? query['dialect'])
}

/** Name that a client gives its device, for tokens of an existing user system. */
export function namedDevice({ handshake: { auth, query } }: Socket): string | undefined {
  const device: unknown = auth['device']
  const named = typeof device === 'object' && device !== null && 'id' in device ? device.id : undefined
  return [named, auth['deviceId'], query['deviceId']].find((it): it is string => typeof it === 'string' && it !== '')
}

/** Ids of a client of version 4.6 or later: the one that it is told now, and the one that it was told before. */
export function clientIds(socket: Socket): { clientId?: string; formerId?: string } {
  // The library does not name it in its types.
  const clientId: unknown = Reflect.get(socket, 'pid')
  const formerId: unknown = socket.handshake.auth['pid']
  return omitUndefined({ clientId: textOf(clientId), formerId: textOf(formerId) })
}

/** The first of the places where the documents put a token. */
export function tokenOf({ handshake: { auth, query, headers } }: Socket): string {
  const places = [auth['token'], query['token'], query['auth'], auth['auth'], bearerToken(headers.authorization)]
  const token = places.find((it): it is string => typeof it === 'string' && it !== '')
  if (token === undefined) throw new AppError('unauthenticated', 'A token is required')
  return bearerToken(token) ?? token
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
