import { open } from 'node:fs/promises'
import { fileTypeFromFile } from 'file-type'
import type { FileKind } from '../../protocol/media/entities.ts'

/** Types that browsers show, and that run nothing. */
const SHOWN = /^(image\/(jpeg|png|gif|webp|avif)|audio\/[\w.+-]+|video\/[\w.+-]+)$/
const PICTURES = /^image\/(jpeg|png|gif|webp|avif)$/
const UNKNOWN = 'application/octet-stream'
const PLAIN = 'text/plain; charset=utf-8'
/** Bytes at the beginning that tell text from other things. */
const SAMPLE_BYTES = 4_096

/** Type of a file, by its content alone. */
export interface ContentType {
  readonly kind: FileKind
  readonly mimeType: string
}

/** Tells the type of a file by its content; what its name and its sender say of it does not count. */
export async function contentTypeOf(path: string): Promise<ContentType> {
  const found = await fileTypeFromFile(path)
  if (found === undefined) return { kind: 'file', mimeType: (await isText(path)) ? PLAIN : UNKNOWN }
  const mimeType = found.mime.split(';')[0] ?? UNKNOWN
  if (PICTURES.test(mimeType)) return { kind: 'image', mimeType }
  if (mimeType.startsWith('audio/')) return { kind: 'audio', mimeType }
  if (mimeType.startsWith('video/')) return { kind: 'video', mimeType }
  return { kind: 'file', mimeType }
}

/** Type that the bytes are served as, and whether a browser may show them: pages and programs are not. */
export function servedAs(mimeType: string): { type: string; isShown: boolean } {
  const isShown = SHOWN.test(mimeType)
  return { type: isShown ? mimeType : UNKNOWN, isShown }
}

/** Whether the beginning is UTF-8 without control characters. */
async function isText(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0)
    const sample = new TextDecoder('utf-8').decode(buffer.subarray(0, bytesRead), { stream: true })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it looks for them
    return bytesRead > 0 && !/[\u0000-\u0008\u000e-\u001f\ufffd]/.test(sample)
  } finally {
    await file.close()
  }
}
