import { createHmac, timingSafeEqual } from 'node:crypto'
import { bareId, prefixedId } from '../../protocol/ids.ts'
import type { FileVariant } from '../../protocol/media/entities.ts'
import { omitUndefined } from '../omit-undefined.ts'

/** Addresses stay the same for so long, so that browsers keep what they have fetched, ms. */
const PERIOD_MS = 21_600_000
/** Longest life of an address that names no person: it opens the file for who has left, too, ms. */
const FOR_MEMBERS_MS = 86_400_000
const SIGNATURE_BYTES = 16
const PATH = /\/v1\/files\/(?:file_)?([0-9a-f]{24})\/(original|preview|thumbnail)$/

/**
 * Person whom an address is given to, and the conversation in which they see the file, or the person whose picture it
 * is: without the former whoever is shown these. Ids in either form.
 */
export interface LinkHolder {
  readonly userId?: string
  readonly conversationId?: string
  readonly profileId?: string
}

/** Signed part of an address, as it comes back. */
export interface SignedLink {
  readonly fileId: string
  readonly holder: LinkHolder
  /** End, seconds since 1970. */
  readonly expiresAt: number
  readonly signature: string
}

interface FileLinksOptions {
  /** The first signs, all of them are taken. */
  readonly secrets: readonly string[]
  /** Time that an address is good for, at least, ms. */
  readonly ttlMs: number
  /** Address of the server, without a slash at the end. */
  readonly base: string
}

/** Addresses of files: each says whom it was given to, and is the same for hours. */
export class FileLinks {
  #keys: readonly Buffer[] = []
  #ttlMs = 0
  /** The last text that was signed, and the query that it became. */
  #last = { text: '', query: '' }
  /** Address of the server, without a slash at the end; known once it listens, where no setting says it. */
  base = ''

  configure({ secrets, ttlMs, base }: FileLinksOptions): void {
    this.#keys = secrets.map(secret => createHmac('sha256', secret).update('file links').digest())
    this.#ttlMs = ttlMs
    this.#last = { text: '', query: '' }
    this.base = base
  }

  /** Address of a form of a file. */
  to(fileId: string, variant: FileVariant, holder: LinkHolder): string {
    const ttlMs = holder.userId === undefined ? Math.min(this.#ttlMs, FOR_MEMBERS_MS) : this.#ttlMs
    const expiresAt = (Math.ceil(Date.now() / PERIOD_MS) * PERIOD_MS + ttlMs) / 1_000
    const query = this.#queryOf({ fileId, holder, expiresAt })
    return `${this.base}/v1/files/${prefixedId('file', bareId(fileId))}/${variant}?${query}`
  }

  /** The forms of a file share it, and are asked for one after the other. */
  #queryOf(link: Omit<SignedLink, 'signature'>): string {
    const text = signedText(link)
    if (this.#last.text === text) return this.#last.query
    const [key = Buffer.alloc(0)] = this.#keys
    const { userId: u, conversationId: c, profileId: p } = link.holder
    const who = [u && `u=${bareId(u)}&`, c && `c=${bareId(c)}&`, p && `p=${bareId(p)}&`].join('')
    const query = `${who}e=${link.expiresAt}&s=${signatureOf(key, text).toString('base64url')}`
    this.#last = { text, query }
    return query
  }

  /** Whether one of the secrets has signed it, expired or not. */
  isSigned({ signature, ...link }: SignedLink): boolean {
    const bytes = Buffer.from(signature, 'base64url')
    const text = signedText(link)
    return bytes.length === SIGNATURE_BYTES && this.#keys.some(key => timingSafeEqual(signatureOf(key, text), bytes))
  }

  /** The file that an address of this server names, 24 hexadecimal digits; `undefined` for every other address. */
  fileIdIn(address: string): string | undefined {
    return this.#read(address)?.fileId
  }

  /** The same address, good from now on, for a person; one that is not of this server stays as it is. */
  renew(address: string, userId: string): string {
    const read = this.#read(address)
    if (read === undefined) return address
    const { fileId, variant, link } = read
    return this.to(fileId, variant, { ...link?.holder, userId })
  }

  #read(address: string) {
    if (!URL.canParse(address)) return undefined
    const { pathname, searchParams, href } = new URL(address)
    const [, fileId, variant] = PATH.exec(pathname) ?? []
    if (fileId === undefined) return undefined
    const link = linkOf(fileId, Object.fromEntries(searchParams))
    // Under another name of the server what it has signed is its own.
    const isOwn = href.startsWith(`${this.base}/v1/files/`) || (link !== undefined && this.isSigned(link))
    return isOwn ? { fileId, variant: variant as FileVariant, link } : undefined
  }
}

/** Address of the server as its setting has it, without a slash at the end; empty where there is none. */
export function baseOf(publicUrl: string | undefined): string {
  return publicUrl?.replace(/\/+$/, '') ?? ''
}

/** Addresses of the files of this process: wherever a message is presented, its files have them. */
export const fileLinks = new FileLinks()

/** The signed part of an address; `undefined` where something is missing. */
export function linkOf(
  fileId: string,
  { u, c, p, e, s }: { readonly [name in 'u' | 'c' | 'p' | 's']?: string } & { readonly e?: string | number }
): SignedLink | undefined {
  if (e === undefined || s === undefined) return undefined
  const holder = omitUndefined({ userId: u && bareId(u), conversationId: c && bareId(c), profileId: p && bareId(p) })
  return { fileId: bareId(fileId), holder, expiresAt: Number(e), signature: s }
}

function signedText({ fileId, holder, expiresAt }: Omit<SignedLink, 'signature'>): string {
  const ids = [fileId, holder.userId, holder.conversationId].map(id => (id === undefined ? '-' : bareId(id)))
  const profile = holder.profileId === undefined ? [] : [`p=${bareId(holder.profileId)}`]
  return [...ids, ...profile, expiresAt].join(' ')
}

function signatureOf(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest().subarray(0, SIGNATURE_BYTES)
}
