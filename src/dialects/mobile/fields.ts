import { type TSchema, Type } from '@sinclair/typebox'
import { omitUndefined } from '../../omit-undefined.ts'

/** A field that the app leaves out or sets to null where it has nothing to say. */
export function maybe<S extends TSchema>(schema: S) {
  return Type.Optional(Type.Union([schema, Type.Null()]))
}

/** The fields that say something. */
export function present<T extends object>(fields: T): { [name in keyof T]?: NonNullable<T[name]> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(there) as { [name in keyof T]?: NonNullable<T[name]> }
}

/** The body of what was granted. */
export function answer(data: unknown, message?: string) {
  return { success: true, data, ...omitUndefined({ message }) }
}
