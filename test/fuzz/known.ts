import type { Schema } from './values.ts'

/** What there is on the server, so that requests name it and not only what looks like it. */
export interface Known {
  /** Ids with their prefix, and tokens of QR codes. */
  readonly ids: readonly string[]
  /** Values of fields, by the field's name. */
  readonly fields: Readonly<Record<string, readonly string[]>>
}

/** Patterns of ids and of tokens: digits of a fixed number. */
const NAMES_A_THING = /\{(24|43)\}/

/** The same document, whose requests offer what is known where it fits; what they allow is the same. */
export function withKnown<T>(document: object, known: Known): T {
  return JSON.parse(JSON.stringify(document), (key, value: unknown) => {
    if (key === 'properties') return mapFields(value as Record<string, Schema>, known)
    if (key !== 'parameters') return value
    return (value as { name: string; schema: Schema }[]).map(it => ({
      ...it,
      schema: offer(it.name, it.schema, known)
    }))
  })
}

function mapFields(fields: Readonly<Record<string, Schema>>, known: Known): Record<string, Schema> {
  return Object.fromEntries(Object.entries(fields).map(([name, schema]) => [name, offer(name, schema, known)]))
}

function offer(name: string, schema: Schema, known: Known): Schema {
  if (schema.type === 'array' && schema.items !== undefined) {
    return { ...schema, items: offer(name, schema.items, known) }
  }
  if (schema.type !== 'string' || schema.enum !== undefined) return schema
  const { pattern = '', minLength = 0, maxLength = Number.POSITIVE_INFINITY } = schema
  const form = new RegExp(pattern, 'u')
  const named = known.fields[name] ?? []
  const offered = NAMES_A_THING.test(pattern) ? idsFor(form, known.ids) : named.filter(it => form.test(it))
  const fitting = offered.filter(it => it.length >= minLength && it.length <= maxLength)
  return fitting.length === 0 ? schema : { anyOf: [{ enum: fitting }, schema] }
}

/** Ids of the right kind in both forms, where the pattern tells the kind. */
function idsFor(form: RegExp, ids: readonly string[]): string[] {
  const bare = (id: string) => id.slice(id.lastIndexOf('_') + 1)
  const right = ids.filter(id => form.test(id))
  const both = (right.length > 0 ? right : ids).flatMap(id => [id, bare(id)])
  return [...new Set(both)].filter(id => form.test(id))
}
