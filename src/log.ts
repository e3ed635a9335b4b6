import type { LoggerOptions } from 'pino'
import type { Config } from './config/config.ts'
import { omitUndefined } from './omit-undefined.ts'

/** Fields that are never written to the log, at any depth. */
const SECRETS = [
  'password',
  'currentPassword',
  'newPassword',
  'passwordHash',
  'token',
  'accessToken',
  'refreshToken',
  'ticket',
  'qrToken',
  'deviceSecret',
  'matchCode',
  'otp',
  'devCode',
  'authorization',
  'cookie',
  'phone',
  'to',
  'email',
  'text'
]

/** Logs of requests hold the path without its query, and no header; errors hold no values from the database. */
export function loggerOptions({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): LoggerOptions {
  // A `code` further in may be that of an error.
  const paths = ['code', 'body.code', ...SECRETS.flatMap(name => [name, `*.${name}`, `*.*.${name}`])]
  return {
    level: LOG_LEVEL,
    redact: { paths, censor: '[redacted]' },
    serializers: {
      req: ({ method, url, id }: { method: string; url: string; id: string }) => ({
        method,
        path: withoutToken(url.split('?', 1)[0] ?? ''),
        id
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      err: (error: Error & { code?: unknown }) => ({
        type: error.name,
        code: error.code,
        message: withoutValues(error),
        stack: error.stack?.slice(error.stack.indexOf('\n    at ') + 1) ?? '',
        ...omitUndefined({ cause: error.cause instanceof Error ? withoutValues(error.cause) : undefined })
      })
    }
  }
}

/** Mask the token of a QR code: whoever knows it may sign in with it. */
function withoutToken(path: string): string {
  return path.replace(/(\/auth\/qr\/)[^/]+/, '$1[redacted]')
}

/** Messages of the driver may quote what people wrote (a duplicate key does). */
function withoutValues({ name, message }: Error): string {
  return name.startsWith('Mongo') ? message.replace(/\{.*/s, '{…}') : message
}
