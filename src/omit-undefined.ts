type Kept<T> = { [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] }
type Dropped<T> = { [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined> }
type Fields<T> = { [Name in keyof T]: T[Name] }

/** The same fields without those that are `undefined`, in one pass: cheaper than a conditional spread for each. */
export function omitUndefined<T extends object>(fields: T): Fields<Kept<T> & Dropped<T>> {
  const kept: Partial<T> = {}
  for (const name in fields) if (fields[name] !== undefined) kept[name] = fields[name]
  return kept as Fields<Kept<T> & Dropped<T>>
}
