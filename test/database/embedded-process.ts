import { startEmbedded } from '../../src/database/embedded/embedded.ts'

// A Parley that has started its database and nothing else, for tests that kill it. It says how it went on stdout.
const [dataDir = ''] = process.argv.slice(2)
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
try {
  const { uri, pid, stop } = await startEmbedded({ dataDir, binary: process.env['MONGOD_BINARY'], log })
  process.stdout.write(`${JSON.stringify({ uri, pid })}\n`)
  process.once('SIGTERM', () => void stop())
} catch (error) {
  process.stdout.write(`${JSON.stringify({ refused: (error as Error).message })}\n`)
}
