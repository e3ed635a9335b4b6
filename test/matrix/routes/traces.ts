import type { Test } from 'tap'
import { type Write, Writes } from '../../kit/writes.ts'

/** Watch every write but delivery cursors: to be connected is enough for those. */
export async function watchWrites(t: Test, uri: string): Promise<Writes> {
  return await Writes.watch(t, uri, { ignored: { members: ['deliveredSeq'] } })
}

/** Trace of the writes of an action. @param names of the ids that matter; others are all alike */
export async function traceOf(
  writes: Writes,
  names: Readonly<Record<string, string>>,
  act: () => Promise<unknown>
): Promise<string[]> {
  await writes.take()
  await act()
  // How much somebody keeps already does not matter.
  const told = (await writes.take()).filter(({ collection }) => collection !== 'fileUsage')
  return told.map(write => plain(write, names)).sort((a, b) => a.localeCompare(b))
}

/** A write without what is another one each time: ids, moments, hashes, and places on streams of people. */
function plain({ collection, text }: Write, names: Readonly<Record<string, string>>): string {
  const line = `${collection} ${text}`
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, 'uuid')
    .replace(/\b[0-9a-f]{24}\b/g, id => names[id] ?? 'id')
    .replace(/"\$date":"[^"]+"/g, 'date')
    .replace(/"(bodyHash|clientKey)":"[^"]+"/g, '$1')
  return /^(conversations|messages|members) /.test(line) ? line : line.replace(/"(rev|seq)":\d+/g, '$1')
}
