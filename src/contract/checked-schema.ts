import type { Static, TSchema } from '@sinclair/typebox'
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler'

/** A schema that checks values. It is compiled with the first one: there are hundreds, and few are needed soon. */
export class CheckedSchema<S extends TSchema> {
  readonly schema: S
  #check: TypeCheck<S> | undefined

  constructor(schema: S) {
    this.schema = schema
  }

  accepts(value: unknown): value is Static<S> {
    this.#check ??= TypeCompiler.Compile(this.schema)
    return this.#check.Check(value)
  }
}
