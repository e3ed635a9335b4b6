import { type Static, type StaticDecode, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts'
import { Env } from './environment.ts'
import { isInClear, isLoopback, isNetwork, isProxy } from './hosts.ts'
import { contradictions, DEFAULT_TIMINGS, type Timings } from './timings.ts'
import { convert, formatDuration } from './variables.ts'

export type { DialectName } from './environment.ts'
export type { Timings } from './timings.ts'

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
  return [
    ...unfinishedDelivery(config),
    ...unfinishedIssuer(config),
    ...unfinishedFiles(config),
    ...(URL.canParse(config.CLAMD_URL ?? 'unix:') ? [] : ['CLAMD_URL: there is no such port']),
    ...(config.NODE_ENV === 'production' ? unfinishedDatabase(config, env) : []),
    ...unfit('TRUST_PROXY', config.TRUST_PROXY, isProxy),
    ...unfit('LINK_PREVIEW_ALLOW', config.LINK_PREVIEW_ALLOW, isNetwork)
  ]
}

/** Items of a list that it cannot have. */
function unfit(name: 'TRUST_PROXY' | 'LINK_PREVIEW_ALLOW', items: string[] = [], isFit: (item: string) => boolean) {
  const bad = items.filter(item => !isFit(item))
  return bad.map(item => `${name}: ${JSON.stringify(item)} is not ${Env.properties[name]['expected']}`)
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
