import type { LinkifyIt } from 'linkify-it'
import { WebAddress } from '../../../protocol/schema.ts'
import { fileLinks } from '../../present/file-links.ts'
import type { MessageDoc } from '../../store/documents.ts'

/** Places of a text that are looked at: it bounds the work that a text makes. */
const MAX_PLACES = 20
const SCHEME = /https?:(?=\/\/)/gi
/** Characters after which `http://` is a part of something else. */
const WITHIN_WORD = /[A-Za-z0-9_]$/
const ADDRESS = new RegExp(WebAddress.pattern ?? '')

/** Parts of a message that say whether it may get a preview. */
type Previewable = Pick<MessageDoc, 'type' | 'text' | 'encryptedContent' | 'preview' | 'noPreview'>

/**
 * Time to look for a preview, of a message that may have a link: now, or never. It is a cheap look, because it is on the
 * way of every message; the link itself is looked for later.
 * @param isOn whether previews are made
 */
export function previewDue(
  { type, text, encryptedContent, preview, noPreview = false }: Previewable,
  now: Date,
  isOn: boolean
): Date | undefined {
  if (!isOn || noPreview || type !== 'text' || encryptedContent !== undefined || preview !== undefined) return undefined
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

/** The first link of a text with `http://` or `https://`, as it is written; nothing where that one may not be shown. */
export async function firstLink(text: string): Promise<string | undefined> {
  const finder = await linkify()
  for (const { 0: scheme, index } of [...text.matchAll(SCHEME)].slice(0, MAX_PLACES)) {
    if (WITHIN_WORD.test(text.charAt(index - 1))) continue
    const length = finder.testSchemaAt(text, scheme.toLowerCase(), index + scheme.length)
    if (length === 0) continue
    const from = index + scheme.length
    const link = `${scheme.toLowerCase()}${text.slice(from, from + length)}`
    return mayBeShown(link) ? link : undefined
  }
  return undefined
}

/** Whether it is a good address, and not one of a file that is kept here: a copy of that would outlive it. */
function mayBeShown(link: string): boolean {
  const isAddress = link.length <= (WebAddress.maxLength ?? 0) && ADDRESS.test(link) && URL.canParse(link)
  return isAddress && fileLinks.fileIdIn(link) === undefined
}

/** Finder of the ends of links, loaded with the first of them. */
let links: LinkifyIt | undefined

async function linkify(): Promise<LinkifyIt> {
  const library = await import('linkify-it')
  // A name and a password are part of the link, which is no good address then.
  links ??= new library.LinkifyIt({ urlAuth: true })
  return links
}
