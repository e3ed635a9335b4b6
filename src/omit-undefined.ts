/** The same fields without those that are `undefined`: what is not there is left out, in documents and on the wire. */
export function given<T extends object>(fields: T): { [name in keyof T]?: Exclude<T[name], undefined> } {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(there) as { [name in keyof T]?: Exclude<T[name], undefined> }
}
