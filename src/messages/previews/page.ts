import { TextDecoder } from 'node:util'
import {
  MAX_PREVIEW_DESCRIPTION,
  MAX_PREVIEW_SITE_NAME,
  MAX_PREVIEW_TITLE
} from '../../../protocol/previews/entities.ts'
import { omitUndefined } from '../../omit-undefined.ts'

/** Elements within each other up to which a page is read; no head has as many. */
const MAX_DEPTH = 64
/** Characters of a text that are looked at. */
const MAX_LENGTH = 4_096
/** Bytes at the beginning in which a page says in what it is written. */
const CHARSET_BYTES = 4_096

/** Names of what is told of a page, each before those that count less. */
const TITLE = ['og:title', 'twitter:title', 'title']
const DESCRIPTION = ['og:description', 'twitter:description', 'description']
const SITE_NAME = ['og:site_name', 'application-name']
const PICTURE = ['og:image:secure_url', 'og:image', 'og:image:url', 'twitter:image', 'twitter:image:src']
/** Names of `meta`: a title is an element of its own. */
const WANTED = new Set([...TITLE, ...DESCRIPTION, ...SITE_NAME, ...PICTURE].filter(name => name !== 'title'))

/** Characters that are not shown or turn the direction of what is; those that join letters and signs stay. */
const HIDDEN = /(?![\u200c\u200d])[\p{Cf}\p{Co}]/gu
const SPACE = /[\s\p{Cc}\p{Zl}\p{Zp}]+/gu

/** Words of a page about itself, cleaned, and the address of its picture. */
export interface PageWords {
  readonly title?: string
  readonly description?: string
  readonly siteName?: string
  readonly pictureUrl?: string
}

/** Reads what the head of a page says. @param url address of the page */
export async function readPage(bytes: Buffer, charset: string | undefined, url: string): Promise<PageWords> {
  const { values } = await Head.read(await decode(bytes, charset))
  const first = (names: readonly string[]) => names.map(name => values.get(name)?.trim()).find(Boolean)
  const picture = first(PICTURE)
  return omitUndefined({
    title: plain(first(TITLE), MAX_PREVIEW_TITLE),
    description: plain(first(DESCRIPTION), MAX_PREVIEW_DESCRIPTION),
    siteName: plain(first(SITE_NAME), MAX_PREVIEW_SITE_NAME),
    pictureUrl: picture !== undefined && URL.canParse(picture, url) ? new URL(picture, url).href : undefined
  })
}

/**
 * Reads the first of each wanted value of a page, up to the end of its head. Its work is in proportion to the length,
 * whatever stands in it.
 */
class Head {
  readonly values = new Map<string, string>()
  /** Name of the encoding, as the page says. */
  charset: string | undefined
  isOver = false
  #depth = 0
  /** Text of the title, while it is open. */
  #title: string | undefined

  static async read(html: string): Promise<Head> {
    const { Parser } = await import('htmlparser2')
    const head = new Head()
    const endIfOver = (): void => {
      if (head.isOver) parser.pause()
    }
    const parser = new Parser({
      onopentag: (name, attributes) => {
        head.open(name, attributes)
        endIfOver()
      },
      ontext: text => head.#addText(text),
      onclosetag: name => {
        head.close(name)
        endIfOver()
      }
    })
    parser.write(html)
    return head
  }

  open(name: string, attributes: Readonly<Record<string, string>>): void {
    this.#depth += 1
    // Elements within each other are searched one by one.
    if (this.#depth > MAX_DEPTH || name === 'body') this.isOver = true
    if (name === 'title' && !this.values.has(name)) this.#title = ''
    if (name === 'meta') this.#note(attributes)
  }

  close(name: string): void {
    this.#depth -= 1
    if (name === 'head') this.isOver = true
    if (name !== 'title' || this.#title === undefined) return
    this.values.set(name, this.#title)
    this.#title = undefined
  }

  #addText(text: string): void {
    if (this.#title !== undefined && this.#title.length < MAX_LENGTH) this.#title += text
  }

  #note(attributes: Readonly<Record<string, string>>): void {
    this.charset ??= charsetOf(attributes)
    const { property, name = '', content = '' } = attributes
    const key = (property ?? name).trim().toLowerCase()
    if (WANTED.has(key) && !this.values.has(key) && content.trim() !== '') this.values.set(key, content)
  }
}

function charsetOf({ charset, content = '' }: Readonly<Record<string, string>>): string | undefined {
  return charset?.trim() ?? /^\s*text\/html\s*;\s*charset\s*=\s*"?([\w.:+-]{1,40})/i.exec(content)?.[1]
}

/** Text of a page: by its mark, as its server says, as it says itself, and otherwise as what it can be. */
async function decode(bytes: Buffer, declared: string | undefined): Promise<string> {
  const known = markOf(bytes) ?? decoderOf(declared)
  if (known !== undefined) return known.decode(bytes)
  const { charset } = await Head.read(bytes.subarray(0, CHARSET_BYTES).toString('latin1'))
  const own = decoderOf(charset)
  // It could not be read as what it says it is, so it is not.
  if (own !== undefined && !own.encoding.startsWith('utf-16')) return own.decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
  } catch {
    return new TextDecoder('windows-1252').decode(bytes)
  }
}

function markOf(bytes: Buffer): TextDecoder | undefined {
  const mark = bytes.subarray(0, 3).toString('hex')
  if (mark === 'efbbbf') return new TextDecoder('utf-8')
  if (mark.startsWith('fffe')) return new TextDecoder('utf-16le')
  return mark.startsWith('feff') ? new TextDecoder('utf-16be') : undefined
}

/** Decoder of a name that a page gives; nothing for one that there is not. */
function decoderOf(name: string | undefined): TextDecoder | undefined {
  if (name === undefined) return undefined
  try {
    return new TextDecoder(name)
  } catch {
    return undefined
  }
}

/** One line of text without what is not shown, cut to a length. */
function plain(text: string | undefined, maxLength: number): string | undefined {
  if (text === undefined) return undefined
  const line = text.slice(0, MAX_LENGTH).toWellFormed().normalize('NFC').replace(SPACE, ' ').replace(HIDDEN, '').trim()
  const characters = [...line]
  if (characters.length <= maxLength) return line === '' ? undefined : line
  return `${characters
    .slice(0, maxLength - 1)
    .join('')
    .trimEnd()}…`
}
