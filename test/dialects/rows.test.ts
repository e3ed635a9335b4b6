import { readdir, readFile } from 'node:fs/promises'
import t from 'tap'

const ROOT = new URL('../../../', import.meta.url)

async function textsIn(folder: string, ending: string): Promise<string> {
  const names = await readdir(new URL(folder, ROOT), { recursive: true })
  const files = names.filter(name => name.endsWith(ending))
  return (await Promise.all(files.map(async name => await readFile(new URL(`${folder}${name}`, ROOT), 'utf8')))).join(
    '\n'
  )
}

t.test('every row of the pages about the dialects begins the title of a test', async t => {
  const headings = (await textsIn('docs/dialects/', '.md')).match(/^##+ \d+\.\d+.*$/gm) ?? []
  const rows = new Set(headings.flatMap(heading => heading.match(/\b\d\.\d+\b/g) ?? []))
  const titles = await textsIn('test/dialects/', '.test.ts')
  t.ok(rows.size > 40, 'there are rows')
  for (const row of rows) t.match(titles, new RegExp(`['\`]${row.replace('.', '\\.')} \\w`), row)
})
