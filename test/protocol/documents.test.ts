import { readFile } from 'node:fs/promises'
import t from 'tap'
import { CLOSE } from '../../protocol/close.ts'
import { ERRORS } from '../../protocol/errors.ts'
import { commands, events } from '../../protocol/index.ts'
import { DEFAULT_LIMITS } from '../../protocol/limits.ts'

const text = await readFile(new URL('../../../protocol/PROTOCOL.md', import.meta.url), 'utf8')

/** The rows of the first table under a heading, without their backticks. */
function tableOf(heading: string): string[][] {
  const [, section = ''] = text.split(`\n## ${heading}\n`)
  const lines = section.slice(0, section.indexOf('\n## ')).split('\n')
  const start = lines.findIndex(line => line.startsWith('|'))
  const end = lines.findIndex((line, index) => index > start && !line.startsWith('|'))
  return lines.slice(start + 2, end).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim().replace(/^`(.*)`$/, '$1'))
  )
}

const sorted = <T>(rows: T[]): T[] => rows.sort((a, b) => String(a).localeCompare(String(b)))

t.test('the table of errors is the catalogue', async t => {
  const wanted = Object.entries(ERRORS).map(([code, { status, retry }]) => [code, String(status), retry])
  t.strictSame(sorted(tableOf('Errors').map(row => row.slice(0, 3))), sorted(wanted))
})

t.test('the table of close codes is the catalogue', async t => {
  const wanted = Object.entries(CLOSE).map(([name, code]) => [String(code), name])
  t.strictSame(sorted(tableOf('Close codes').map(row => row.slice(0, 2))), sorted(wanted))
})

t.test('the table of commands holds each of them, and which may go without id', async t => {
  const wanted = commands.map(({ type, isSilent }) => [type, isSilent ? 'optional' : 'required'])
  t.strictSame(sorted(tableOf('Commands').map(([type, , id]) => [type, id])), sorted(wanted))
})

t.test('the table of events holds each of them, and which are durable', async t => {
  const wanted = events.map(({ type, isDurable }) => [type, isDurable ? 'durable' : 'ephemeral'])
  t.strictSame(sorted(tableOf('Events').map(([type, , kind]) => [type, kind])), sorted(wanted))
})

t.test('the table of limits holds each of them with its default', async t => {
  const wanted = Object.entries(DEFAULT_LIMITS).map(([name, value]) => [name, String(value)])
  t.strictSame(sorted(tableOf('Limits').map(row => row.slice(0, 2))), sorted(wanted))
})

t.test('links within the document lead somewhere', async t => {
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^a-z0-9 -]/g, '')
      .replaceAll(' ', '-')
  )
  for (const [, anchor = ''] of text.matchAll(/\]\(#([^)]+)\)/g)) t.ok(anchors.includes(anchor), anchor)
})
