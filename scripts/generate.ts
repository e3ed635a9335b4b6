import { mkdir, writeFile } from 'node:fs/promises'
import { describeSocket } from '../src/ops/api-docs/asyncapi.ts'
import { describeRest } from '../src/ops/api-docs/openapi.ts'

// Run by `npm run generate` after a change of the contract: writes protocol/generated.
const folder = new URL('../../protocol/generated/', import.meta.url)
const documents = { 'openapi.json': await describeRest(), 'asyncapi.json': describeSocket() }
await mkdir(folder, { recursive: true })
for (const [name, document] of Object.entries(documents)) {
  await writeFile(new URL(name, folder), `${JSON.stringify(document, null, 2)}\n`)
}
