// Run by `npm run dev`, again after each change: compiles, then starts the server in this process.
import { spawnSync } from 'node:child_process'
import { buildWeb } from './web.js'

const { status } = spawnSync(process.execPath, ['node_modules/typescript-7/bin/tsc', '-b'], { stdio: 'inherit' })
if (status !== 0) process.exit(1)
await buildWeb()
await import('../dist/src/main.js')
