import fc from 'fast-check'

/** A schema as plain JSON, as far as the documents use it. */
export interface Schema {
  readonly $ref?: string
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly anyOf?: readonly Schema[]
  readonly type?: string
  readonly pattern?: string
  readonly minLength?: number
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly patternProperties?: Readonly<Record<string, Schema>>
}

/** Finds what a reference of the same document names. */
export type Resolve = (ref: string) => Schema

const LONGEST = 20_000
const SHORT = 40
const MANY = 6
/** Weight of values that are known to be there, against those that only have the form. */
const KNOWN = 4

/** Values that nobody should send. */
const HOSTILE: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 2 ** 53, -1e308, '', ' ', [], {}, [[]], [null], { a: { b: { c: [] } } }],
  ...['\u0000', 'a\u0000b', '\u202e', '\ud800', 'x'.repeat(5_000), '💥'.repeat(1_000), '__proto__', 'constructor'],
  ...['null', '.*', '(((', '[a-', '\\', '$where', '../../etc/passwd', '%', '%00', "' or 1=1 --", '<script>', '-1'],
  ...['9'.repeat(30), '1e309', 'NaN', '2026-13-45T99:99:99.999Z', 'f'.repeat(24), `conv_${'f'.repeat(24)}`],
  ...[{ $ne: null }, { $gt: '' }, { $regex: '.*' }, { _bsontype: 'ObjectId' }, { toJSON: 1 }, { length: -1 }]
]

/** Values that a schema allows. */
export function valuesOf(schema: Schema, resolve: Resolve): fc.Arbitrary<unknown> {
  if (schema.$ref !== undefined) return valuesOf(resolve(schema.$ref), resolve)
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum)
  if (schema.anyOf !== undefined) return choices(schema.anyOf, resolve)
  return BY_TYPE[schema.type ?? '']?.(schema, resolve) ?? fc.jsonValue()
}

const BY_TYPE: Readonly<Record<string, (schema: Schema, resolve: Resolve) => fc.Arbitrary<unknown>>> = {
  string: texts,
  integer: numbers,
  number: numbers,
  boolean: () => fc.boolean(),
  null: () => fc.constant(null),
  array: lists,
  object: objects
}

function choices(options: readonly Schema[], resolve: Resolve): fc.Arbitrary<unknown> {
  const weight = ({ enum: known }: Schema) => (known === undefined ? 1 : KNOWN)
  return fc.oneof(...options.map(it => ({ weight: weight(it), arbitrary: valuesOf(it, resolve) })))
}

function texts({ pattern, minLength = 0, maxLength = LONGEST }: Schema): fc.Arbitrary<string> {
  const form = new RegExp(pattern ?? '', 'u')
  const fits = (text: string) => text.length >= minLength && text.length <= maxLength && form.test(text)
  const lengths = { minLength, maxLength: Math.max(minLength, Math.min(maxLength, SHORT)) }
  const edges = ['x', '0', 'é'].flatMap(it => [it.repeat(minLength), it.repeat(maxLength)]).filter(fits)
  const free = (['grapheme-ascii', 'grapheme', 'binary'] as const).map(unit => fc.string({ unit, ...lengths }))
  const usual = isClass(pattern) ? fc.oneof(...free) : fc.stringMatching(form)
  const sound = usual.filter(fits)
  return edges.length === 0 ? sound : fc.oneof({ weight: 5, arbitrary: sound }, fc.constantFrom(...edges))
}

/** Whether nearly every text has the form: none, or all but some characters. */
function isClass(pattern: string | undefined): boolean {
  return pattern === undefined || /^\^\[\^[^\]]*\]\*\$$/.test(pattern)
}

function numbers({ minimum = -(2 ** 31), maximum = 2 ** 53 - 1 }: Schema): fc.Arbitrary<number> {
  return fc.oneof(
    fc.constantFrom(minimum, maximum),
    fc.maxSafeInteger().map(it => within(it, minimum, maximum))
  )
}

function within(value: number, minimum: number, maximum: number): number {
  return minimum + (Math.abs(value) % (maximum - minimum + 1))
}

function lists({ items = {}, minItems = 0, maxItems = MANY, uniqueItems }: Schema, resolve: Resolve) {
  const lengths = { minLength: minItems, maxLength: Math.max(minItems, Math.min(maxItems, MANY)) }
  const one = valuesOf(items, resolve)
  const selector = (it: unknown) => JSON.stringify(it)
  return uniqueItems === true ? fc.uniqueArray(one, { ...lengths, selector }) : fc.array(one, lengths)
}

function objects({ properties = {}, required = [], patternProperties = {} }: Schema, resolve: Resolve) {
  const fields = Object.entries(properties).map(([name, it]) => [name, valuesOf(it, resolve)] as const)
  const named: fc.Arbitrary<Record<string, unknown>> = fc.record(Object.fromEntries(fields), {
    requiredKeys: [...required]
  })
  const [keyed] = Object.entries(patternProperties)
  if (keyed === undefined) return named
  const [pattern, of] = keyed
  const entries = fc.dictionary(texts({ pattern }), valuesOf(of, resolve), { maxKeys: MANY })
  return fc.tuple(named, entries).map(([some, others]) => ({ ...others, ...some }))
}

/** Values that are allowed but for one place, where something is missing, too much, or hostile. */
export function almost(values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const change = fc.oneof(
    { weight: 1, arbitrary: fc.constant<Change>({ kind: 'remove' }) },
    { weight: 1, arbitrary: fc.constant<Change>({ kind: 'add' }) },
    { weight: 4, arbitrary: hostile.map((by): Change => ({ kind: 'replace', by })) }
  )
  return fc.tuple(values, fc.nat(1_000), change).map(([value, at, it]) => {
    const places = placesIn(value)
    return changed(value, places[at % places.length] ?? [], it)
  })
}

/** Values of every kind. */
export const hostile: fc.Arbitrary<unknown> = fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue({ maxDepth: 2 }))

type Change = { readonly kind: 'remove' | 'add' } | { readonly kind: 'replace'; readonly by: unknown }

/** Every place in a value, by the names that lead there. */
function placesIn(value: unknown): string[][] {
  if (typeof value !== 'object' || value === null) return [[]]
  return [[], ...Object.entries(value).flatMap(([name, it]) => placesIn(it).map(path => [name, ...path]))]
}

function changed(value: unknown, [name, ...path]: readonly string[], change: Change): unknown {
  if (name === undefined) {
    if (change.kind === 'replace') return change.by
    return typeof value === 'object' && value !== null ? { ...value, unknownField: 1 } : [value]
  }
  const entries = Object.entries(value as object).flatMap(([key, it]) => {
    if (key !== name) return [[key, it]]
    return change.kind === 'remove' && path.length === 0 ? [] : [[key, changed(it, path, change)]]
  })
  return Array.isArray(value) ? entries.map(([, it]) => it) : Object.fromEntries(entries)
}
