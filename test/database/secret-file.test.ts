import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t from 'tap'

t.test('S41 a secret that is empty stops the start, and the message says what to do', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'parley-secret-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'secret'), '')
  const env = {
    PATH: process.env['PATH'],
    NODE_ENV: 'test',
    DATA_DIR: folder,
    MONGODB_URI: 'mongodb://127.0.0.1:1/none'
  }
  const child = spawn(process.execPath, ['dist/server/main.js'], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
  t.equal(code, 1)
  t.match(said, /secret is empty: delete it/)
})
