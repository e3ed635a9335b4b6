import type { Json } from './shared-schemas.ts'

/** Components without the schemas to which no reference leads, from the rest of the document or from another used one. */
export function usedOnly<C extends Json & { readonly schemas: Json }>(components: C, rest: unknown = {}): C {
  const { schemas, ...others } = components
  const used = new Set<string>()
  const follow = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      follow(schemas[name])
    }
  }
  follow([others, rest])
  return { ...components, schemas: Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name))) }
}
