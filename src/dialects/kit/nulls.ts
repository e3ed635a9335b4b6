import { KindGuard, type TSchema, Type } from '@sinclair/typebox'

/** Marks the null that is the same as no value; any other has a meaning of its own. */
const ABSENT = Symbol('absent')
const Absent = Object.assign(Type.Null(), { [ABSENT]: true })

/** The schema of what apps write: each field that may be absent may be null too. */
export function orNulls(schema: TSchema): TSchema {
  if (KindGuard.IsUnion(schema)) return { ...schema, anyOf: schema.anyOf.map(orNulls) }
  if (KindGuard.IsArray(schema)) return { ...schema, items: orNulls(schema.items) }
  if (!KindGuard.IsObject(schema)) return schema
  const fields = Object.entries(schema.properties).map(([name, field]) => {
    const inner = orNulls(field)
    return [name, KindGuard.IsOptional(field) && !takesNull(field) ? orAbsent(inner) : inner]
  })
  return { ...schema, properties: Object.fromEntries(fields) }
}

function orAbsent(schema: TSchema): TSchema {
  return Type.Optional(Type.Union(KindGuard.IsUnion(schema) ? [...schema.anyOf, Absent] : [schema, Absent]))
}

/**
 * Takes fields that are null as absent, as apps mean it; but not where the schema gives null a meaning of its own, nor
 * inside of what is the app's own.
 */
export function withoutNulls(schema: TSchema, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (KindGuard.IsUnion(schema)) return schema.anyOf.reduce((rest: unknown, one) => withoutNulls(one, rest), value)
  if (Array.isArray(value)) return KindGuard.IsArray(schema) ? value.map(it => withoutNulls(schema.items, it)) : value
  if (!KindGuard.IsObject(schema)) return value
  const { properties } = schema
  const fields = Object.entries(value).flatMap(([name, field]) => {
    const known = Object.hasOwn(properties, name) ? properties[name] : undefined
    if (known === undefined || (field === null && takesNull(known))) return [[name, field]]
    return field === null ? [] : [[name, withoutNulls(known, field)]]
  })
  return Object.fromEntries(fields)
}

/** Whether null means something. */
function takesNull(schema: TSchema): boolean {
  if (KindGuard.IsUnion(schema)) return schema.anyOf.some(takesNull)
  return KindGuard.IsNull(schema) && !(ABSENT in schema)
}
