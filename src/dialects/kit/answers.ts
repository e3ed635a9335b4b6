import { type TProperties, type TSchema, Type } from '@sinclair/typebox'

/** An id as documents without prefixes show it: the 24 hexadecimal digits. */
export const BareId = Type.String({ pattern: '^[0-9a-f]{24}$', examples: ['64b7f0c2a1d3e4f5a6b7c8d9'] })

/** Schema of a value that may be null. */
export function nullable<S extends TSchema>(schema: S) {
  return Type.Union([schema, Type.Null()])
}

/** A body that says that something was done, with fields beside. */
export function success<P extends TProperties>(fields: P) {
  return Type.Object({ success: Type.Literal(true), ...fields })
}
