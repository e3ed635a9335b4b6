import { Type } from '@sinclair/typebox'
import { duration, flag, integer, list, oneOf, text } from './kinds.ts'

/** The kinds of existing apps whose own API is served. */
const DIALECT_NAMES = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom'] as const
/** Name of a dialect. */
export type DialectName = (typeof DIALECT_NAMES)[number]

/** Settings of the environment, each with its kind and default. */
export const Env = Type.Object({
  NODE_ENV: oneOf('development', 'development', 'production', 'test'),
  PORT: integer(0, 65_535, 3000),
  HOST: Type.String({ default: '127.0.0.1', expected: 'an address to listen on' }),
  LOG_LEVEL: oneOf('info', 'fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
  PUBLIC_URL: text('the http:// or https:// address by which clients reach this server', {
    pattern: '^https?://[^/?#]+(/[^?#]*)?$'
  }),
  DATA_DIR: Type.String({ default: '.data', expected: 'a folder' }),
  MONGODB_URI: text('a connection string that starts with mongodb:// or mongodb+srv://', {
    pattern: '^mongodb(\\+srv)?://.',
    secret: true
  }),
  MONGODB_PLAINTEXT: flag(false),
  MONGOD_BINARY: text('the path of a mongod program'),
  MONGODB_POOL_SIZE: integer(1, 1000, 20),
  COMMIT_LANES: integer(1, 64, 1),
  JWT_SECRET: Type.Optional(
    Type.Array(Type.String(), { as: 'list', minItems: 1, secret: true, expected: 'secrets separated by commas' })
  ),
  JWT_EXPIRES_IN: duration('7d'),
  REFRESH_EXPIRES_IN: duration('30d'),
  QR_TOKEN_EXPIRES_IN: duration('300000'),
  OTP_DELIVERY: oneOf('none', 'none', 'log', 'smtp', 'webhook'),
  OTP_WEBHOOK_URL: text('an https:// address (http:// only outside production)', {
    pattern: '^https?://[^/]',
    secret: true
  }),
  OTP_WEBHOOK_SECRET: text('a secret of 16 characters or more', { minLength: 16, secret: true }),
  SMTP_URL: text('an address such as smtps://user:password@mail.example.com', {
    pattern: '^smtps?://[^/]',
    secret: true
  }),
  MAIL_FROM: text('an email address, or a name and an address in angle brackets', { pattern: '@' }),
  AUTH_JWKS_URL: text('an https:// address (http:// only outside production)', { pattern: '^https?://[^/]' }),
  AUTH_ISSUER: text('the `iss` of the tokens to accept'),
  AUTH_AUDIENCE: text('the `aud` of the tokens to accept'),
  AUTH_SUBJECTS: oneOf('external', 'external', 'own'),
  AUTH_AUTOPROVISION: flag(false),
  DEFAULT_REGION: text('a country of two capital letters (ISO 3166), such as DE', { pattern: '^[A-Z]{2}$' }),
  CORS_ORIGINS: Type.Array(Type.String({ minLength: 1 }), {
    as: 'origins',
    default: '',
    expected: 'origins separated by commas, such as https://chat.example.com, file://, null, or *'
  }),
  WS_QUERY_TOKEN: flag(true),
  DIALECTS: Type.Array(
    Type.Unsafe<DialectName | 'none'>(Type.String({ pattern: `^(${DIALECT_NAMES.join('|')}|none)$` })),
    {
      as: 'list',
      default: DIALECT_NAMES.join(','),
      expected: `names of dialects separated by commas (${DIALECT_NAMES.join(', ')}), or none`
    }
  ),
  TRUST_PROXY: list('addresses or networks of proxies separated by commas, such as 10.0.0.0/8, or loopback'),
  USER_DIRECTORY: flag(true),
  EDIT_WINDOW: duration('15m', 0),
  FORMER_TEXTS: oneOf('members', 'members', 'author'),
  FILES: oneOf('disk', 'disk', 's3'),
  FILE_LINK_TTL: duration('7d', 60_000),
  S3_URL: text('the https:// address of a bucket (http:// only where nobody listens on the way)', {
    pattern: '^https?://[^/]+/'
  }),
  S3_REGION: Type.String({ default: 'auto', expected: 'the name of a region' }),
  S3_ACCESS_KEY_ID: text('the id of an access key', { secret: true }),
  S3_SECRET_ACCESS_KEY: text('the secret of an access key', { secret: true }),
  LINK_PREVIEWS: oneOf('off', 'off', 'on'),
  LINK_PREVIEW_ALLOW: list('networks separated by commas, such as 10.1.0.0/16'),
  CLAMD_URL: text('tcp://<host>:<port> or unix:<path> of a clamd', {
    pattern: '^(tcp://(\\[[0-9a-fA-F:.]+\\]|[\\w.-]+):[1-9]\\d{0,4}|unix:/.+)$'
  }),
  CLAMD_FAILURE: oneOf('refuse', 'refuse', 'keep'),
  METRICS_TOKEN: text('a token of 16 characters or more', { minLength: 16, secret: true })
})
