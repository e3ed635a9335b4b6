// The last step of `npm run build`: puts the compiled server, and what it needs at every start, into few files, because
// Node takes longer to find and read a thousand modules than to run them. `dist/src` stays as it is, for tests and tools.
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildWeb } from './web.js'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
/** Loaded when they are first needed, or by a path of their own. */
const LATER = [
  ...['@fastify/swagger', '@fastify/swagger-ui', '@node-rs/argon2', 'mongodb-memory-server-core', 'nodemailer'],
  ...['pino', 'prom-client', 'qrcode', 'socket.io']
]
/** What the driver of MongoDB tries to load, and goes without. */
const OPTIONAL = [
  ...['@aws-sdk/*', '@mongodb-js/saslprep', '@mongodb-js/zstd', 'aws4', 'gcp-metadata', 'kerberos'],
  ...['mongodb-client-encryption', 'snappy', 'socks']
]

await buildWeb()
await rm(`${ROOT}dist/server`, { recursive: true, force: true })
await build({
  absWorkingDir: ROOT,
  entryPoints: ['dist/src/main.js'],
  outdir: 'dist/server',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  external: [...LATER, ...OPTIONAL],
  // Names stay, so that stacks can be read; less text is less memory.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  sourcemap: 'linked',
  sourcesContent: false,
  // For packages that are no ES modules.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);"
  },
  logLevel: 'warning'
})
