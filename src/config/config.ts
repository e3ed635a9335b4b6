import { type Static, type StaticDecode, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts'
import { isInClear, isLoopback, isProxy } from './hosts.ts'
import { duration, flag, integer, list, oneOf, text } from './kinds.ts'
import { contradictions, DEFAULT_TIMINGS, type Timings } from './timings.ts'
import { convert, formatDuration } from './variables.ts'

export type { Timings } from './timings.ts'

/** The kinds of existing apps whose own API is served. */
export const DIALECT_NAMES = ['mobile', 'unified', 'chatapp', 'reals2chat', 'taatom'] as const
/** Name of a dialect. */
export type DialectName = (typeof DIALECT_NAMES)[number]

const Env = Type.Object({
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
  CLAMD_URL: text('tcp://<host>:<port> or unix:<path> of a clamd', {
    pattern: '^(tcp://(\\[[0-9a-fA-F:.]+\\]|[\\w.-]+):[1-9]\\d{0,4}|unix:/.+)$'
  }),
  CLAMD_FAILURE: oneOf('refuse', 'refuse', 'keep'),
  METRICS_TOKEN: text('a token of 16 characters or more', { minLength: 16, secret: true })
})
const NUMBER_MAX = 1_000_000_000
const NUMBER = Type.Integer({ minimum: 1, maximum: NUMBER_MAX, expected: `a whole number from 1 to ${NUMBER_MAX}` })

/** Settings of the environment, checked and converted: durations in milliseconds, lists as arrays. Frozen. */
export type Config = Readonly<Static<typeof Env>> & { readonly limits: Limits; readonly timings: Timings }

/** Line of `parley config`; secrets are masked in `value`. */
export interface ConfigRow {
  name: string
  value: string
  default: string
  source: 'environment' | '.env' | 'default'
}

/** Reads the environment, once, at start. @throws {Error} that names every bad variable and what to do about it. */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: string[] = []
  const values: Record<string, unknown> = {}
  for (const [name, schema] of Object.entries<TSchema>(Env.properties)) {
    const value = readVariable(name, schema, env, problems)
    if (value !== undefined) values[name] = value
  }
  const limits = readNumbers('LIMITS', DEFAULT_LIMITS, env, problems)
  const timings = readNumbers('TIMINGS', DEFAULT_TIMINGS, env, problems)
  problems.push(...contradictions(timings, timing => numberName('TIMINGS', timing)))
  const config = values as StaticDecode<typeof Env>
  chooseDefaults(config, env)
  problems.push(...weakSecrets(config), ...unfinished(config, env))
  if (problems.length > 0) throw new Error(`Bad configuration:\n  ${problems.join('\n  ')}`)
  return Object.freeze({ ...config, limits, timings })
}

/** Defaults that depend on others: only who works on this machine alone gets codes out of the log. */
function chooseDefaults(config: StaticDecode<typeof Env>, env: NodeJS.ProcessEnv): void {
  const isProduction = config.NODE_ENV === 'production'
  if (isProduction && !isSet(env['HOST'])) config.HOST = '::'
  if (!isProduction && !isSet(env['OTP_DELIVERY']) && isLoopback(config.HOST)) config.OTP_DELIVERY = 'log'
}

/** List every variable with the value in force, for an operator to read. */
export function describeConfig(config: Config, env: NodeJS.ProcessEnv): ConfigRow[] {
  const rows = Object.entries<TSchema>(Env.properties).map(([name, schema]) =>
    row(env, name, show(schema, config[name as keyof Static<typeof Env>]), defaultText(config, name, schema))
  )
  rows.push(...numberRows('LIMITS', DEFAULT_LIMITS, config.limits, env))
  rows.push(...numberRows('TIMINGS', DEFAULT_TIMINGS, config.timings, env))
  return rows
}

function numberRows(table: Table, defaults: Numbers, values: Numbers, env: NodeJS.ProcessEnv): ConfigRow[] {
  return Object.entries(defaults).map(([name, fallback]) =>
    row(env, numberName(table, name), String(values[name]), String(fallback))
  )
}

function row(env: NodeJS.ProcessEnv, name: string, value: string, fallback: string): ConfigRow {
  return { name, value, default: fallback, source: isSet(env[name]) ? 'environment' : 'default' }
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

function readVariable(name: string, schema: TSchema, env: NodeJS.ProcessEnv, problems: string[]): unknown {
  const raw = env[name]
  const given = isSet(raw) ? raw.trim() : (schema.default as unknown)
  if (given === undefined) return undefined
  const value = typeof given === 'string' ? convert(schema, given) : given
  if (Value.Check(schema, value)) return value
  problems.push(`${name}: ${schema['secret'] ? 'what is set' : JSON.stringify(given)} is not ${schema['expected']}`)
  return undefined
}

/** Of the variables that hold one number each. */
type Table = 'LIMITS' | 'TIMINGS'
type Numbers = Readonly<Record<string, number>>

function numberName(table: Table, name: string): string {
  return `${table}_${name.replace(/[A-Z]/g, letter => `_${letter}`).toUpperCase()}`
}

function readNumbers<T extends Numbers>(
  table: Table,
  defaults: T,
  env: NodeJS.ProcessEnv,
  problems: string[]
): { readonly [name in keyof T]: number } {
  const values: Record<string, number> = { ...defaults }
  const names = new Map(Object.keys(defaults).map(name => [numberName(table, name), name]))
  for (const variable of Object.keys(env).filter(key => key.startsWith(`${table}_`))) {
    const name = names.get(variable)
    if (name === undefined) {
      const kind = table.toLowerCase().slice(0, -1)
      problems.push(`${variable}: there is no such ${kind}; \`parley config\` lists them, or unset it`)
    } else values[name] = (readVariable(variable, NUMBER, env, problems) as number | undefined) ?? values[name] ?? 0
  }
  return Object.freeze(values) as { readonly [name in keyof T]: number }
}

const SECRET_LENGTH = 32
const WELL_KNOWN = /change.?me|change.?this|your.{0,12}(secret|key)|super.?secret|secret.?key|default|example|password/i
const MAKE_SECRET = 'make one with: openssl rand -base64 48'

function weakSecrets({ JWT_SECRET, NODE_ENV }: Partial<Config>): string[] {
  if (JWT_SECRET === undefined) {
    return NODE_ENV === 'production' ? [`JWT_SECRET: required in production; ${MAKE_SECRET}`] : []
  }
  return JWT_SECRET.flatMap((secret, index) => {
    const which = JWT_SECRET.length > 1 ? `secret ${index + 1} of ${JWT_SECRET.length}` : 'the secret'
    if (secret.length < SECRET_LENGTH) {
      return [`JWT_SECRET: ${which} has fewer than ${SECRET_LENGTH} characters; ${MAKE_SECRET}`]
    }
    return isWellKnown(secret) ? [`JWT_SECRET: ${which} is easy to guess; ${MAKE_SECRET}`] : []
  })
}

/** Words of examples, or a few characters over and over. */
function isWellKnown(secret: string): boolean {
  return WELL_KNOWN.test(secret) || new Set(secret).size < 8
}

/** Problems that no variable has alone. */
function unfinished(config: Partial<Config>, env: NodeJS.ProcessEnv): string[] {
  const badProxies = (config.TRUST_PROXY ?? []).filter(proxy => !isProxy(proxy))
  return [
    ...unfinishedDelivery(config),
    ...unfinishedIssuer(config),
    ...unfinishedFiles(config),
    ...(URL.canParse(config.CLAMD_URL ?? 'unix:') ? [] : ['CLAMD_URL: there is no such port']),
    ...(config.NODE_ENV === 'production' ? unfinishedDatabase(config, env) : []),
    ...badProxies.map(it => `TRUST_PROXY: ${JSON.stringify(it)} is not ${Env.properties.TRUST_PROXY['expected']}`)
  ]
}

/** Settings of the database that are not safe to start with. */
function unfinishedDatabase({ MONGODB_URI, MONGODB_PLAINTEXT }: Partial<Config>, env: NodeJS.ProcessEnv): string[] {
  if (!isSet(env['MONGODB_URI']) && !isSet(env['DATA_DIR'])) {
    return ['MONGODB_URI: required in production; or set DATA_DIR to where the embedded database keeps its data']
  }
  if (MONGODB_PLAINTEXT || !isInClear(MONGODB_URI)) return []
  return [
    'MONGODB_URI: in clear over what may be the Internet; add tls=true, or MONGODB_PLAINTEXT=true where the network is yours'
  ]
}

/** Settings of another user system: a key set also signs for others. */
function unfinishedIssuer({ NODE_ENV, AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE }: Partial<Config>): string[] {
  if (AUTH_JWKS_URL === undefined) return []
  const problems = Object.entries({ AUTH_ISSUER, AUTH_AUDIENCE }).flatMap(([name, value]) =>
    value === undefined
      ? [`${name}: required with AUTH_JWKS_URL, whose keys also sign for others: say whose tokens count`]
      : []
  )
  if (NODE_ENV === 'production' && AUTH_JWKS_URL.startsWith('http:')) {
    problems.push('AUTH_JWKS_URL: must be https:// in production: who can change the keys can sign in as anybody')
  }
  return problems
}

/** Settings that a store of files lacks. */
function unfinishedFiles(config: Partial<Config>): string[] {
  if (config.FILES !== 's3') return []
  const needed = ['S3_URL', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'] as const
  const missing = needed.filter(name => config[name] === undefined)
  return missing.map(name => `${name}: required where FILES is s3`)
}

const NEEDED_BY: Record<Config['OTP_DELIVERY'], readonly (keyof Config)[]> = {
  none: [],
  log: [],
  smtp: ['SMTP_URL', 'MAIL_FROM'],
  webhook: ['OTP_WEBHOOK_URL', 'OTP_WEBHOOK_SECRET']
}

/** Settings that the chosen way of delivering codes lacks. */
function unfinishedDelivery(config: Partial<Config>): string[] {
  const { NODE_ENV, OTP_DELIVERY = 'none', OTP_WEBHOOK_URL } = config
  const problems = NEEDED_BY[OTP_DELIVERY]
    .filter(name => config[name] === undefined)
    .map(name => `${name}: required where OTP_DELIVERY is ${OTP_DELIVERY}`)
  if (NODE_ENV !== 'production') return problems
  if (OTP_DELIVERY === 'log')
    problems.push('OTP_DELIVERY: log prints codes; in production set smtp or webhook, or none')
  if (OTP_DELIVERY === 'webhook' && OTP_WEBHOOK_URL?.startsWith('http:')) {
    problems.push('OTP_WEBHOOK_URL: must be https:// in production: it is told codes that sign people in')
  }
  return problems
}

function defaultText({ NODE_ENV, MONGODB_URI, HOST }: Config, name: string, schema: TSchema): string {
  if (name === 'OTP_DELIVERY' && NODE_ENV !== 'production' && isLoopback(HOST)) return 'log'
  if (name === 'HOST' && NODE_ENV === 'production') return '::'
  if (name === 'MONGODB_URI') return 'embedded'
  if (name === 'JWT_SECRET' && NODE_ENV !== 'production') return 'generated'
  if (name === 'MONGOD_BINARY' && MONGODB_URI === undefined) return 'found'
  return String(schema.default ?? '')
}

function show(schema: TSchema, value: unknown): string {
  if (value === undefined) return ''
  if (schema['secret']) return mask(value)
  if (schema['as'] === 'duration') return formatDuration(value as number)
  return Array.isArray(value) ? value.join(',') : String(value)
}

/** Of a connection string only user and password are hidden. */
function mask(value: unknown): string {
  if (Array.isArray(value)) return value.map(() => '***').join(',')
  return /^mongodb/.test(String(value)) ? String(value).replace(/\/\/.*@/, '//***@') : '***'
}
