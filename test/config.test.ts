import t from 'tap'
import { DEFAULT_LIMITS } from '../protocol/limits.ts'
import { describeConfig, readConfig } from '../src/config/config.ts'
import { DEFAULT_TIMINGS } from '../src/config/timings.ts'

const SECRET = 'q8Zr2LwX0vNfKd7TtYp4sJhGcB1mEu6A'
const OTHER_SECRET = 'Wm3xP9aVbS5nRkDz0QyLc7HfTg2JuE8i'

const MAIL = { OTP_DELIVERY: 'smtp', SMTP_URL: 'smtp://mail.example', MAIL_FROM: 'chat@parley.example' }

function problemsOf(env: NodeJS.ProcessEnv): string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    return (error as Error).message.split('\n  ').slice(1)
  }
}

t.test('an empty environment is a working development server', async t => {
  const config = readConfig({})
  t.match(config, { NODE_ENV: 'development', PORT: 3000, HOST: '127.0.0.1', DATA_DIR: '.data', LOG_LEVEL: 'info' })
  t.equal(config.JWT_SECRET, undefined)
  t.equal(config.MONGODB_URI, undefined)
  t.same(config.CORS_ORIGINS, [])
  t.same(config.TRUST_PROXY, [])
  t.equal(config.WS_QUERY_TOKEN, true)
  t.equal(config.AUTH_AUTOPROVISION, false)
  t.same(config.limits, DEFAULT_LIMITS)
  t.same(config.timings, DEFAULT_TIMINGS)
})

t.test('the address of a scanner is one by TCP or of a socket of this machine', async t => {
  for (const CLAMD_URL of ['tcp://clamd:3310', 'tcp://127.0.0.1:3310', 'tcp://[::1]:3310', 'unix:/run/clamd.ctl'])
    t.match(readConfig({ CLAMD_URL }), { CLAMD_URL, CLAMD_FAILURE: 'refuse' })
  for (const CLAMD_URL of ['clamd:3310', 'http://clamd:3310', 'tcp://clamd', 'tcp://clamd:0', 'tcp://a:1/x', 'unix:x'])
    t.match(problemsOf({ CLAMD_URL }), [/^CLAMD_URL: .* of a clamd$/], CLAMD_URL)
  t.match(problemsOf({ CLAMD_URL: 'tcp://clamd:70000' }), [/^CLAMD_URL/])
  t.match(problemsOf({ CLAMD_FAILURE: 'ignore' }), [/^CLAMD_FAILURE/])
})

t.test('text becomes numbers, booleans and lists', async t => {
  const config = readConfig({
    PORT: '0',
    COMMIT_LANES: ' 8 ',
    WS_QUERY_TOKEN: 'off',
    AUTH_AUTOPROVISION: 'TRUE',
    CORS_ORIGINS: 'https://a.example, capacitor://localhost,',
    TRUST_PROXY: 'loopback, 10.0.0.0/8, ::1',
    JWT_SECRET: `${SECRET},${OTHER_SECRET}`
  })
  t.match(config, { PORT: 0, COMMIT_LANES: 8, WS_QUERY_TOKEN: false, AUTH_AUTOPROVISION: true })
  t.same(config.CORS_ORIGINS, ['https://a.example', 'capacitor://localhost'])
  t.same(config.TRUST_PROXY, ['loopback', '10.0.0.0/8', '::1'])
  t.same(config.JWT_SECRET, [SECRET, OTHER_SECRET])
})

t.test('U06, U07: origins are written as browsers send them, and what is none is refused', async t => {
  const read = (CORS_ORIGINS: string) => readConfig({ CORS_ORIGINS }).CORS_ORIGINS
  t.same(read('https://App.Example,https://app.example:443,HTTP://x:80'), [
    ...['https://app.example', 'https://app.example', 'http://x']
  ])
  t.same(read('http://[::1]:5173,https://bücher.example'), ['http://[::1]:5173', 'https://xn--bcher-kva.example'])
  const others = ['*', 'null', 'file://', 'capacitor://localhost', 'app://.', 'chrome-extension://abc']
  t.same(read(others.join(',')), others)
  for (const bad of [
    'https://a.example/',
    'https://*.a.example',
    'https://a.example:99999',
    'a.example',
    'file:///x'
  ]) {
    t.match(problemsOf({ CORS_ORIGINS: bad }), [`CORS_ORIGINS: "${bad}" is not origins separated by commas`])
  }
})

t.test('durations are milliseconds, however they are written', async t => {
  const read = (value: string) => readConfig({ JWT_EXPIRES_IN: value }).JWT_EXPIRES_IN
  t.same(
    ['7d', '15m', '1.5h', '2w', '40000', '40000ms', '90 s'].map(read),
    [604_800_000, 900_000, 5_400_000, 1_209_600_000, 40_000, 40_000, 90_000]
  )
  t.match(readConfig({}), { JWT_EXPIRES_IN: 604_800_000, REFRESH_EXPIRES_IN: 2_592_000_000, EDIT_WINDOW: 900_000 })
})

t.test('an empty variable is the same as none', async t => {
  t.equal(readConfig({ PORT: '', MONGODB_URI: ' ' }).PORT, 3000)
})

t.test('every problem is named at once, with what is wrong and what to do', async t => {
  const problems = problemsOf({
    PORT: '70000',
    LOG_LEVEL: 'loud',
    JWT_EXPIRES_IN: 'soon',
    MONGODB_URI: 'localhost:27017',
    DEFAULT_REGION: 'Germany',
    WS_QUERY_TOKEN: 'perhaps',
    TRUST_PROXY: 'true',
    CORS_ORIGINS: 'https://a.example/path',
    LIMITS_SENDS_PER_SECOND: '0',
    LIMITS_SENDS_PER_MINUTE: '5',
    TIMINGS_SWEEP_MS: '5s',
    TIMINGS_SWEEP: '5000'
  })
  const bad = ['PORT', 'LOG_LEVEL', 'MONGODB_URI', 'JWT_EXPIRES_IN', 'DEFAULT_REGION', 'CORS_ORIGINS', 'WS_QUERY_TOKEN']
  bad.push('LIMITS_SENDS_PER_SECOND', 'LIMITS_SENDS_PER_MINUTE', 'TRUST_PROXY', 'TIMINGS_SWEEP_MS', 'TIMINGS_SWEEP')
  t.same(new Set(problems.map(problem => problem.split(':')[0])), new Set(bad))
  t.equal(problems.length, bad.length)
  t.ok(problems.includes('PORT: "70000" is not a whole number from 0 to 65535'), problems.join('\n'))
  t.match(
    problems.find(problem => problem.startsWith('LIMITS_SENDS_PER_MINUTE')),
    'no such limit'
  )
  t.match(
    problems.find(problem => problem.startsWith('TIMINGS_SWEEP:')),
    'no such timing'
  )
})

t.test('a secret is never repeated in a problem', async t => {
  const problems = problemsOf({ METRICS_TOKEN: 'tiny', JWT_SECRET: 'short', MONGODB_URI: 'user:hunter2@host' })
  t.equal(problems.length, 3)
  t.notMatch(problems.join(), /tiny|short"|hunter2/)
})

t.test('each limit has its variable', async t => {
  const { limits } = readConfig({ LIMITS_SENDS_PER_SECOND: '50', LIMITS_FRAME_IN_BYTES: '1024' })
  t.same(limits, { ...DEFAULT_LIMITS, sendsPerSecond: 50, frameInBytes: 1024 })
})

t.test('each timing has its variable, and what does not go together is refused', async t => {
  const { timings } = readConfig({ TIMINGS_HEARTBEAT_MS: '50', TIMINGS_HEARTBEAT_TIMEOUT_MS: '120' })
  t.same(timings, { ...DEFAULT_TIMINGS, heartbeatMs: 50, heartbeatTimeoutMs: 120 })
  t.same(problemsOf({ TIMINGS_HEARTBEAT_MS: '60000', TIMINGS_HEAD_POLL_MS: '5001' }), [
    'TIMINGS_HEARTBEAT_TIMEOUT_MS: must be more than TIMINGS_HEARTBEAT_MS',
    'TIMINGS_HEAD_POLL_MS: must be at most 5000, because resuming relies on it'
  ])
})

t.test('production starts only with a strong secret and a place for its data', async t => {
  const names = (env: NodeJS.ProcessEnv) => problemsOf(env).map(problem => problem.split(':')[0])
  t.same(names({ NODE_ENV: 'production', ...MAIL }), ['JWT_SECRET', 'MONGODB_URI'])
  const production = { NODE_ENV: 'production', JWT_SECRET: SECRET, ...MAIL }
  t.same(names({ ...production, DATA_DIR: '/var/lib/parley' }), [])
  t.same(names({ ...production, MONGODB_URI: 'mongodb://db/parley' }), [])
  const issuer = { AUTH_ISSUER: 'https://id.example', AUTH_AUDIENCE: 'chat' }
  t.same(names({ ...production, ...issuer, DATA_DIR: '/d', AUTH_JWKS_URL: 'http://a/jwks' }), ['AUTH_JWKS_URL'])
  t.equal(readConfig({ ...production, DATA_DIR: '/d' }).HOST, '::')
})

t.test('S04 codes are printed by default only where nobody but this machine reaches the server', async t => {
  const delivery = (env: NodeJS.ProcessEnv) => readConfig(env).OTP_DELIVERY
  for (const HOST of ['', '127.0.0.1', '127.0.0.2', 'localhost', '::1']) t.equal(delivery({ HOST }), 'log', HOST)
  for (const HOST of ['0.0.0.0', '::', '10.0.0.1', 'chat.example', '127.example'])
    t.equal(delivery({ HOST }), 'none', HOST)
  t.equal(delivery({ HOST: '0.0.0.0', NODE_ENV: 'test' }), 'none')
  t.equal(delivery({ NODE_ENV: 'production', JWT_SECRET: SECRET, DATA_DIR: '/d' }), 'none')
  t.equal(delivery({ HOST: '0.0.0.0', OTP_DELIVERY: 'log' }), 'log', 'unless it is set by hand')
  const row = (env: NodeJS.ProcessEnv) =>
    describeConfig(readConfig(env), env).find(({ name }) => name === 'OTP_DELIVERY')
  t.match(row({}), { value: 'log', default: 'log', source: 'default' })
  t.match(row({ HOST: '::' }), { value: 'none', default: 'none', source: 'default' })
})

t.test('S44 production reaches a database over the Internet by TLS, or where its operator says otherwise', async t => {
  const problems = (MONGODB_URI: string, more: NodeJS.ProcessEnv = {}) =>
    problemsOf({ NODE_ENV: 'production', JWT_SECRET: SECRET, MONGODB_URI, ...more })
  const clear = [
    ...['mongodb://db.example.com/parley', 'mongodb://u:p@db.example.com:27017/parley', 'mongodb://203.0.113.9'],
    ...[
      'mongodb://mongodb,db.example.com/parley?replicaSet=rs0',
      'mongodb://[2001:db8::1]:27017/p',
      'mongodb://db.example.com/?tls=false'
    ]
  ]
  for (const uri of clear) {
    t.match(problems(uri), [/^MONGODB_URI: in clear/], uri)
    t.same(problems(uri, { MONGODB_PLAINTEXT: 'true' }), [])
    t.same(problemsOf({ MONGODB_URI: uri }), [], 'in development')
  }
  const fine = [
    ...[
      'mongodb://mongodb:27017/parley?replicaSet=rs0',
      'mongodb+srv://db.example.com/parley',
      'mongodb://127.0.0.1/p'
    ],
    ...[
      'mongodb://db.example.com/parley?tls=true',
      'mongodb://db.example.com/?replicaSet=a&ssl=true',
      'mongodb://[::1]/p'
    ],
    ...[
      'mongodb://10.1.2.3,10.1.2.4/p',
      'mongodb://172.20.0.2/p',
      'mongodb://mongodb-0.mongodb.svc/p',
      'mongodb://[fd00::1]/p'
    ]
  ]
  for (const uri of fine) t.same(problems(uri), [], uri)
})

t.test('S15 a key set counts only with an issuer and an audience', async t => {
  const env = { AUTH_JWKS_URL: 'https://id.example/jwks' }
  const names = (more: NodeJS.ProcessEnv) => problemsOf({ ...env, ...more }).map(problem => problem.split(':')[0])
  t.same(names({}), ['AUTH_ISSUER', 'AUTH_AUDIENCE'])
  t.same(names({ AUTH_ISSUER: 'https://id.example' }), ['AUTH_AUDIENCE'])
  t.same(names({ AUTH_ISSUER: 'https://id.example', AUTH_AUDIENCE: 'chat' }), [])
})

t.test('codes are delivered by what is complete, and in production not by the log', async t => {
  const names = (env: NodeJS.ProcessEnv) => problemsOf(env).map(problem => problem.split(':')[0])
  const production = { NODE_ENV: 'production', JWT_SECRET: SECRET, DATA_DIR: '/d' }
  const webhook = { OTP_DELIVERY: 'webhook', OTP_WEBHOOK_SECRET: SECRET }
  t.same(names({ OTP_DELIVERY: 'smtp' }), ['SMTP_URL', 'MAIL_FROM'])
  t.same(names({ OTP_DELIVERY: 'webhook' }), ['OTP_WEBHOOK_URL', 'OTP_WEBHOOK_SECRET'])
  t.same(names({ OTP_DELIVERY: 'pigeon' }), ['OTP_DELIVERY'])
  t.same(names({ ...production, OTP_DELIVERY: 'log' }), ['OTP_DELIVERY'])
  t.same(names({ ...production, ...webhook, OTP_WEBHOOK_URL: 'http://sms.example/send' }), ['OTP_WEBHOOK_URL'])
  t.same(names({ ...production, ...webhook, OTP_WEBHOOK_URL: 'https://sms.example/send' }), [])
  t.same(names({ ...webhook, OTP_WEBHOOK_URL: 'http://127.0.0.1:8080/' }), [])
})

t.test('a short, well-known or repetitive secret is refused, also the second of two', async t => {
  const weak = [
    'x',
    'your-super-secret-jwt-key-change-this',
    'change-me-change-me-change-me-change-me',
    'ab'.repeat(20)
  ]
  for (const secret of weak) t.equal(problemsOf({ JWT_SECRET: secret }).length, 1, secret)
  t.match(problemsOf({ JWT_SECRET: `${SECRET},x` }), [/secret 2 of 2/])
})

t.test('what was read cannot be changed', async t => {
  const config = readConfig({})
  t.ok(Object.isFrozen(config))
  t.ok(Object.isFrozen(config.limits))
  t.ok(Object.isFrozen(config.timings))
})

t.test('the listing shows value, default and source, and masks secrets', async t => {
  const env = {
    JWT_SECRET: `${SECRET},${OTHER_SECRET}`,
    MONGODB_URI: 'mongodb://user:hunter2@db:27017/parley?replicaSet=rs0',
    METRICS_TOKEN: 'metrics-token-0123456789',
    EDIT_WINDOW: '3600000',
    LIMITS_DEPTH: '8'
  }
  const rows = describeConfig(readConfig(env), env)
  const find = (name: string) => rows.find(row => row.name === name)
  t.same(find('EDIT_WINDOW'), { name: 'EDIT_WINDOW', value: '1h', default: '15m', source: 'environment' })
  t.same(find('PORT'), { name: 'PORT', value: '3000', default: '3000', source: 'default' })
  t.same(find('LIMITS_DEPTH'), { name: 'LIMITS_DEPTH', value: '8', default: '16', source: 'environment' })
  t.equal(find('JWT_SECRET')?.value, '***,***')
  t.equal(find('MONGODB_URI')?.value, 'mongodb://***@db:27017/parley?replicaSet=rs0')
  t.notMatch(JSON.stringify(rows), new RegExp(`${SECRET}|${OTHER_SECRET}|hunter2|metrics-token`))
})
