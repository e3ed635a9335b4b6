import { randomBytes } from 'node:crypto'
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

const SECRET_BYTES = 48

/**
 * Secret in a file of its owner's alone: made when it is first asked for, the same ever after. Of two that start at
 * once, both use the same; one that is killed meanwhile leaves no half of it.
 * @param loss consequence of a new one, for the operator
 * @throws {Error} when the file is empty
 */
export async function keptSecret(file: string, loss: string): Promise<string> {
  const secret = (await readSecret(file)) ?? (await makeSecret(file))
  if (!secret) throw new Error(`${file} is empty: delete it, and a new one is made (${loss})`)
  return secret
}

/** Content of a secret's file; `undefined` where there is none. */
export async function readSecret(file: string): Promise<string | undefined> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  return text?.trim()
}

async function makeSecret(file: string): Promise<string | undefined> {
  const draft = `${file}.${process.pid}`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(draft, `${randomBytes(SECRET_BYTES).toString('base64url')}\n`, { mode: 0o600, flush: true })
  await link(draft, file).catch(error => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft)
  return await readSecret(file)
}
