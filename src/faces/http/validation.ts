import type { TObject, TSchema } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { CheckedSchema } from '../../contract/checked-schema.ts'
import { AppError } from '../../errors.ts'
import { describeProblem } from '../../validation-message.ts'

const WHAT: Record<string, string> = { querystring: 'query', params: 'path', headers: 'header', body: 'body' }

/** Keeps Fastify from loading compilers of its own, which are large: `validateRequests` sets others. */
export const noCompilers = { compilersFactory: { buildValidator: unused, buildSerializer: unused } }

function unused(): never {
  throw new Error('The compilers of schemas are not set')
}

/**
 * Checks requests against the contracts: nothing is converted but whole numbers in the query, nothing unknown is
 * dropped, and the only kind of body is JSON. Answers are written as the services present them.
 */
export function validateRequests(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler<TSchema>(({ schema, httpPart = 'body' }) => {
    const expected = new CheckedSchema(schema)
    const integers = httpPart === 'querystring' ? integerFields(schema) : []
    return (data: unknown) => {
      const value = integers.length > 0 ? withNumbers(data, integers) : data
      if (expected.accepts(value)) return { value }
      return { error: new AppError('invalid', describeProblem(WHAT[httpPart] ?? httpPart, schema, value)) }
    }
  })
  app.setSerializerCompiler(() => JSON.stringify)
}

function integerFields(schema: TSchema): string[] {
  const { properties = {} } = schema as Partial<TObject>
  return Object.keys(properties).filter(name => properties[name]?.['type'] === 'integer')
}

function withNumbers(query: unknown, names: readonly string[]): unknown {
  const converted: Record<string, unknown> = { ...(query as object) }
  for (const name of names) {
    const text = converted[name]
    if (typeof text === 'string' && /^\d{1,16}$/.test(text)) converted[name] = Number(text)
  }
  return converted
}
