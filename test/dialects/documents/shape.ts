/** Shape of a value: one of the words below, a list of such, or an object that has at least these fields. */
export type Shape = ((value: unknown) => boolean) | readonly [Shape] | { readonly [name: string]: Shape }

const matches =
  (pattern: RegExp) =>
  (value: unknown): boolean =>
    typeof value === 'string' && pattern.test(value)

/** 24 hexadecimal digits. */
export const id = matches(/^[0-9a-f]{24}$/)
/** An id with the prefix that tells its kind. */
export const idOf = (prefix: string) => matches(new RegExp(`^${prefix}_[0-9a-f]{24}$`))
export const time = matches(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
export const url = matches(/^https:\/\//)
export const text = (value: unknown): boolean => typeof value === 'string'
export const number = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
export const flag = (value: unknown): boolean => typeof value === 'boolean'
export const nothing = (value: unknown): boolean => value === null
/** Object with any fields. */
export const object = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value)
/** Exactly one of these. */
export const is =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value)

/** A shape, or null where there is nothing to tell. */
export function maybe(shape: Shape): Shape {
  return value => value === null || problemsOf(value, shape).length === 0
}

/** A list that may be empty. */
export function any(shape: Shape): Shape {
  return value => Array.isArray(value) && value.every(item => problemsOf(item, shape).length === 0)
}

/** Problems of a value that has another shape. Lists must hold something: an empty one shows nothing. */
export function problemsOf(value: unknown, shape: Shape, path = 'it'): string[] {
  const found = `${path}: ${JSON.stringify(value)}`
  if (typeof shape === 'function') return shape(value) ? [] : [found]
  if (Array.isArray(shape)) {
    if (!Array.isArray(value) || value.length === 0) return [found]
    return value.flatMap((item, index) => problemsOf(item, shape[0], `${path}[${index}]`))
  }
  if (!object(value)) return [found]
  const fields = value as Record<string, unknown>
  return Object.entries(shape).flatMap(([name, inner]) =>
    name in fields ? problemsOf(fields[name], inner, `${path}.${name}`) : [`${path}.${name} is missing`]
  )
}
