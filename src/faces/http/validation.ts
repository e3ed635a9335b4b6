import type { TObject, TSchema } from '@sinclair/typebox'
import { TypeCompiler } from '@sinclair/typebox/compiler'
import type { FastifyInstance } from 'fastify'
import { AppError } from '../../errors.ts'
import { describeProblem } from '../../validation-message.ts'

const WHAT: Record<string, string> = { querystring: 'query', params: 'path', headers: 'header', body: 'body' }

/**
 * Checks requests against the contracts: nothing is converted but whole numbers in the query, nothing unknown is
 * dropped, and the only kind of body is JSON.
 */
export function validateRequests(app: FastifyInstance): void {
  app.removeContentTypeParser('text/plain')
  app.setValidatorCompiler<TSchema>(({ schema, httpPart = 'body' }) => {
    const check = TypeCompiler.Compile(schema)
    const integers = httpPart === 'querystring' ? integerFields(schema) : []
    return (data: unknown) => {
      const value = integers.length > 0 ? withNumbers(data, integers) : data
      if (check.Check(value)) return { value }
      return { error: new AppError('invalid', describeProblem(WHAT[httpPart] ?? httpPart, schema, value)) }
    }
  })
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
