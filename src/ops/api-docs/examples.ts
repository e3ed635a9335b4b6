/** A schema, as far as an example can be made of it. */
interface Schema {
  readonly type?: unknown
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly examples?: readonly unknown[]
  readonly required?: readonly string[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly minimum?: number
}

const BY_TYPE: Readonly<Record<string, (schema: Schema) => unknown>> = {
  object: ({ properties = {}, required = [] }) =>
    Object.fromEntries(required.map(name => [name, exampleOf(properties[name] ?? {})])),
  array: ({ items }) => (items === undefined ? [] : [exampleOf(items)]),
  string: () => 'text',
  boolean: () => true,
  integer: ({ minimum = 1 }) => minimum,
  number: ({ minimum = 1 }) => minimum
}

/** An example of what a schema describes: its first own one, or one of those of its parts, without what is optional. */
export function exampleOf(schema: Schema): unknown {
  if (schema.examples?.[0] !== undefined) return schema.examples[0]
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf?.[0] !== undefined) return exampleOf(schema.anyOf[0])
  return BY_TYPE[String(schema.type)]?.(schema) ?? null
}

/** Examples of a body, as OpenAPI writes them beside its schema. */
export function examplesOf(schema: Schema): object {
  const { examples = [] } = schema
  if (examples.length < 2) return { example: exampleOf(schema) }
  return { examples: Object.fromEntries(examples.map((value, index) => [`example${index + 1}`, { value }])) }
}
