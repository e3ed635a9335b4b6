import type { LinkifyIt } from 'linkify-it'
import { WebAddress } from '../../../protocol/schema.ts'
import type { MessageDoc } from '../../store/documents.ts'

/** Places of a text that are looked at: it bounds the work that a text makes. */
const MAX_PLACES = 20
const SCHEME = /https?:(?=\/\/)/gi
/** Characters after which `http://` is a part of something else. */
const WITHIN_WORD = /[A-Za-z0-9_]$/
const ADDRESS = new RegExp(WebAddress.pattern ?? '')

/**
 * Time to look for a preview, of a message that may have a link: now, or never. It is a cheap look, because it is on the
 * way of every message; the link itself is looked for later.
 * @param isOn whether previews are made
 */
export function previewDue(
  { type, text, encryptedContent, preview }: Pick<MessageDoc, 'type' | 'text' | 'encryptedContent' | 'preview'>,
  now: Date,
  isOn: boolean
): Date | undefined {
  if (!isOn || type !== 'text' || encryptedContent !== undefined || preview !== undefined) return undefined
  return text !== undefined && text.search(SCHEME) >= 0 ? now : undefined
}

/**
 * The message after an edit of its text, which leaves it no preview of a link that it has no more.
 * @param isOn as `previewDue`
 */
export function withoutOldPreview(
  { preview, previewDueAt: _, ...message }: Readonly<MessageDoc>,
  now: Date,
  isOn: boolean
): MessageDoc {
  const previewDueAt = previewDue(message, now, isOn)
  return {
    ...message,
    ...(preview !== undefined && message.text?.includes(preview.url) && { preview }),
    ...(previewDueAt !== undefined && { previewDueAt })
  }
}

/** The first link of a text with `http://` or `https://`, as it is written; nothing where that is no good address. */
export async function firstLink(text: string): Promise<string | undefined> {
  const finder = await linkify()
  for (const { 0: scheme, index } of [...text.matchAll(SCHEME)].slice(0, MAX_PLACES)) {
    if (WITHIN_WORD.test(text.charAt(index - 1))) continue
    const length = finder.testSchemaAt(text, scheme.toLowerCase(), index + scheme.length)
    if (length === 0) continue
    const from = index + scheme.length
    const link = `${scheme.toLowerCase()}${text.slice(from, from + length)}`
    return link.length <= (WebAddress.maxLength ?? 0) && ADDRESS.test(link) && URL.canParse(link) ? link : undefined
  }
  return undefined
}

/** Finder of the ends of links, loaded with the first of them. */
let links: LinkifyIt | undefined

async function linkify(): Promise<LinkifyIt> {
  const library = await import('linkify-it')
  // A name and a password are part of the link, which is no good address then.
  links ??= new library.LinkifyIt({ urlAuth: true })
  return links
}
