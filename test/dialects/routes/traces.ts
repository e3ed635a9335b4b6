import { dump, type openDatabase } from '../../dump.ts'

type Database = Awaited<ReturnType<typeof openDatabase>>

/** Everything that is stored, but how far messages have been delivered: to be connected is enough for that. */
export async function stored(database: Database): Promise<string[]> {
  const lines = (await dump(database)).filter(line => !line.startsWith('processes '))
  return lines.map(line => line.replace(/"deliveredSeq":\d+/, ''))
}

/** What a deed adds to what is stored, and what it takes away. @param names of the ids that matter; others are all alike */
export async function traceOf(
  database: Database,
  names: Readonly<Record<string, string>>,
  deed: () => Promise<unknown>
): Promise<string[]> {
  const before = await stored(database)
  await deed()
  const after = await stored(database)
  const [old, now] = [new Set(before), new Set(after)]
  // How somebody was before is another in each trial.
  const gone = before.filter(line => !now.has(line) && !line.startsWith('users ')).map(line => `- ${line}`)
  const come = after.filter(line => !old.has(line)).map(line => `+ ${line}`)
  return [...gone, ...come].map(line => plain(line, names)).sort((a, b) => a.localeCompare(b))
}

/** A line without what is another one each time: ids, moments, hashes, and places on streams of people. */
function plain(line: string, names: Readonly<Record<string, string>>): string {
  const text = line
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'uuid')
    .replace(/\b[0-9a-f]{24}\b/g, id => names[id] ?? 'id')
    .replace(/"\$date":"[^"]+"/g, 'date')
    .replace(/"(bodyHash|clientKey)":"[^"]+"/g, '$1')
  return /^. (conversations|messages|members) /.test(text) ? text : text.replace(/"(rev|seq)":\d+/g, '$1')
}
