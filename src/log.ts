import type { LoggerOptions } from 'pino'
import type { Config } from './config.ts'

/** What is never written to the log, wherever it stands. */
const SECRETS = [
  'password',
  'passwordHash',
  'token',
  'accessToken',
  'refreshToken',
  'ticket',
  'authorization',
  'cookie',
  'phone',
  'email',
  'text'
]

/** Logs of requests hold the path without its query, and no header; errors hold no values from the database. */
export function loggerOptions({ LOG_LEVEL }: Pick<Config, 'LOG_LEVEL'>): LoggerOptions {
  return {
    level: LOG_LEVEL,
    redact: { paths: SECRETS.flatMap(name => [name, `*.${name}`, `*.*.${name}`]), censor: '[redacted]' },
    serializers: {
      req: ({ method, url, id }: { method: string; url: string; id: string }) => ({
        method,
        path: url.split('?', 1)[0] ?? '',
        id
      }),
      res: ({ statusCode }: { statusCode: number }) => ({ statusCode }),
      err: (error: Error & { code?: unknown }) => ({
        type: error.name,
        code: error.code,
        message: withoutValues(error),
        stack: error.stack?.slice(error.stack.indexOf('\n    at ') + 1) ?? '',
        ...(error.cause instanceof Error ? { cause: withoutValues(error.cause) } : {})
      })
    }
  }
}

/** Messages of the driver may quote what people wrote (a duplicate key does). */
function withoutValues({ name, message }: Error): string {
  return name.startsWith('Mongo') ? message.replace(/\{.*/s, '{…}') : message
}
