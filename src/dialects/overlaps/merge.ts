/**
 * Merge values into one with the fields of all; where they differ in more, the first one counts. Lists are
 * merged item by item: the values have to show the same items in the same order.
 */
export function merge(values: readonly unknown[]): unknown {
  return values.reduce((one, other) => {
    if (Array.isArray(one) && Array.isArray(other)) {
      return one.map((item, index) => (index < other.length ? merge([item, other[index]]) : item))
    }
    return isRecord(one) && isRecord(other) ? mergeFields(one, other) : one
  })
}

function mergeFields(one: Record<string, unknown>, other: Record<string, unknown>): Record<string, unknown> {
  const merged = { ...other }
  for (const [name, value] of Object.entries(one)) {
    merged[name] = name in other ? merge([value, other[name]]) : value
  }
  return merged
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
