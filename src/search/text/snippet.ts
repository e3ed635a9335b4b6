import type { Hit } from './query.ts'

/** Longest snippet, and what it shows before the first hit, UTF-16 units; and how far a cut looks for a blank. */
const MAX_LENGTH = 200
const BEFORE = 60
const REACH = 20
/** Places that a snippet marks. */
const MAX_HIGHLIGHTS = 20

/** Part of a text around what was found in it. */
export interface Snippet {
  readonly text: string
  /** What was found, within `text`. */
  readonly highlights: readonly Hit[]
}

/** The part of a text around its first hit; the whole of a short one. */
export function snippetOf(text: string, hits: readonly Hit[]): Snippet {
  if (text.length <= MAX_LENGTH) return { text, highlights: hits.slice(0, MAX_HIGHLIGHTS) }
  const from = beginAt(text, Math.max(0, (hits[0]?.start ?? 0) - BEFORE))
  const to = endAt(text, Math.min(text.length, from + MAX_LENGTH))
  const lead = from > 0 ? '…' : ''
  const shift = lead.length - from
  const within = hits.filter(({ start }) => start >= from && start < to).slice(0, MAX_HIGHLIGHTS)
  return {
    text: `${lead}${text.slice(from, to)}${to < text.length ? '…' : ''}`,
    highlights: within.map(({ start, end }) => ({ start: start + shift, end: Math.min(end, to) + shift }))
  }
}

/** A place behind a blank, where one is near; never in the middle of a character. */
function beginAt(text: string, at: number): number {
  if (at === 0) return 0
  const blank = text.slice(at, at + REACH).search(/\s/u)
  return blank >= 0 ? at + blank + 1 : whole(text, at)
}

function endAt(text: string, at: number): number {
  if (at === text.length) return at
  const blank = text.slice(at - REACH, at).search(/\s\S*$/u)
  return blank >= 0 ? at - REACH + blank : whole(text, at)
}

function whole(text: string, at: number): number {
  return /[\udc00-\udfff]/.test(text.charAt(at)) ? at - 1 : at
}
