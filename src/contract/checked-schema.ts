import type { Static, TSchema } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'

/** Compiled once, however many routes and servers have the schema. */
const compiled = new WeakMap<TSchema, TypeCheck<TSchema>>()

/** A schema that checks values. It is compiled with the first one: there are hundreds, and few are needed soon. */
export class CheckedSchema<S extends TSchema> {
  readonly schema: S
  #check: TypeCheck<TSchema> | undefined

  constructor(schema: S) {
    this.schema = schema
  }

  accepts(value: unknown): value is Static<S> {
    this.#check ??= compile(this.schema)
    return this.#check.Check(value)
  }
}

function compile(schema: TSchema): TypeCheck<TSchema> {
  const check = compiled.get(schema) ?? TypeCompiler.Compile(schema)
  compiled.set(schema, check)
  return check
}
