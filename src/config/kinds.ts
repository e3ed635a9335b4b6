import { Type } from '@sinclair/typebox'
import { formatDuration } from './variables.ts'

// Besides JSON Schema's own, a variable's schema says: `expected`, the end of the sentence "… is not" in a problem;
// `as`, how its text is read where the type alone does not tell; `secret`, never shown.
export const text = (expected: string, options: object = {}) => Type.Optional(Type.String({ expected, ...options }))
export const integer = (minimum: number, maximum: number, fallback: number) =>
  Type.Integer({ minimum, maximum, default: fallback, expected: `a whole number from ${minimum} to ${maximum}` })
export const flag = (fallback: boolean) => Type.Boolean({ default: fallback, expected: 'true or false' })
export const duration = (fallback: string, minimum = 1000) =>
  Type.Integer({
    as: 'duration',
    minimum,
    default: fallback,
    expected: `a time of at least ${formatDuration(minimum)}, such as 500ms, 15m, 12h, 7d, or milliseconds`
  })
export const list = (expected: string) => Type.Array(Type.String(), { as: 'list', default: '', expected })
export const oneOf = <T extends string>(fallback: NoInfer<T>, ...values: T[]) =>
  Type.Unsafe<T>(
    Type.Union(
      values.map(value => Type.Literal(value)),
      { default: fallback, expected: `one of ${values.join(', ')}` }
    )
  )
