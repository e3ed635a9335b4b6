import { Type } from '@sinclair/typebox'
import { omitUndefined } from '../../../omit-undefined.ts'

/** Schema of the body of what was granted. */
export const Granted = Type.Object({
  success: Type.Literal(true),
  data: Type.Unknown(),
  message: Type.Optional(Type.String())
})

/** The body of what was granted. */
export function answer(data: unknown, message?: string) {
  return { success: true as const, data, ...omitUndefined({ message }) }
}
