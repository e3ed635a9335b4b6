import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import type { Schema } from './values.ts'

const DOCUMENT = 'document'

/** Checks values against the schemas of one document, and finds what its references name. */
export class Checker {
  readonly document: unknown
  readonly #ajv = new Ajv2020({ strict: false, validateFormats: false })
  readonly #checks = new Map<Schema, ValidateFunction>()

  constructor(document: { readonly components?: unknown }) {
    const { components } = absolute(document)
    this.document = document
    this.#ajv.addSchema({ $id: DOCUMENT, components })
  }

  readonly resolve = <T = Schema>(ref: string): T => {
    const path = ref.slice(ref.indexOf('#/') + 2).split('/')
    return path.reduce<unknown>((part, name) => (part as Record<string, unknown>)[name], this.document) as T
  }

  /** @returns the first thing that is wrong with a value */
  problemOf(schema: Schema, value: unknown): string | undefined {
    const check = this.#checks.get(schema) ?? this.#ajv.compile(absolute(schema))
    this.#checks.set(schema, check)
    if (check(value)) return undefined
    const [{ instancePath, message, params } = { instancePath: '', message: '', params: {} }] = check.errors ?? []
    return `${instancePath} ${message} ${JSON.stringify(params)}`
  }
}

/** The same with references that lead into the document from anywhere. */
function absolute<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replaceAll('"$ref":"#/', `"$ref":"${DOCUMENT}#/`)) as T
}
