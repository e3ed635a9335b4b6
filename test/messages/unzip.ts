import { buffer } from 'node:stream/consumers'
import { type Entry, fromBufferPromise } from 'yauzl'

/** Files of a zip archive, by their names, as another program reads them. */
export async function unzip(bytes: Buffer): Promise<Map<string, Buffer>> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, strictFileNames: true, validateEntrySizes: true })
  const files = new Map<string, Buffer>()
  await new Promise<void>((resolve, reject) => {
    const read = async (entry: Entry) => {
      if (files.has(entry.fileName)) throw new Error(`${entry.fileName} is there twice`)
      files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)))
      zip.readEntry()
    }
    zip.on('entry', (entry: Entry) => void read(entry).catch(reject))
    zip.once('end', resolve).once('error', reject)
    zip.readEntry()
  })
  return files
}

/** A line of an archive. */
export interface Line {
  readonly type: 'conversation' | 'member' | 'message'
  readonly conversation?: Record<string, unknown>
  readonly member?: { readonly userId: string }
  readonly displayName?: string
  readonly message?: ArchivedMessage
}

/** A message of an archive. */
export interface ArchivedMessage {
  readonly id: string
  readonly seq: number
  readonly text?: string
  readonly attachments?: readonly { readonly file?: string; readonly url?: string; readonly fileName?: string }[]
}

/** Lines of an archive of a conversation. */
export function linesOf(files: ReadonlyMap<string, Buffer>): Line[] {
  const text = files.get('conversation.jsonl')?.toString() ?? ''
  return text
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))
}

/** Messages of an archive, in its order. */
export function messagesOf(files: ReadonlyMap<string, Buffer>): ArchivedMessage[] {
  return linesOf(files).flatMap(({ message }) => message ?? [])
}
