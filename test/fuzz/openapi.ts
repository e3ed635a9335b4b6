import type { Checker } from './checker.ts'
import type { Schema } from './values.ts'

export const JSON_TYPE = 'application/json'

/** An OpenAPI document as the server serves it. */
export interface OpenApi {
  readonly components?: unknown
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

/** What one route takes and answers. */
export interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, Response>>
}

/** A named value outside of the body. */
export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required?: boolean
  readonly schema: Schema
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>

interface Response {
  readonly $ref?: string
  readonly content?: Content
}

/** An answer, read to its end; of a stream there is only the beginning. */
export interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

/** @returns what of an answer is not as the document says: no accident, and one of its statuses, types and bodies */
export function problemOf(checker: Checker, responses: Operation['responses'], answer: Answer): string | undefined {
  const { status, type, text } = answer
  if (status >= 500) return `answers ${status}`
  const found = responses[status]
  if (found === undefined) return `answers ${status}, which is not documented`
  const { content } = found.$ref === undefined ? found : checker.resolve<Response>(found.$ref)
  if (content === undefined) return text === '' ? undefined : `answers ${status} with a body`
  const described = content[type]
  if (described === undefined) return `answers ${status} as "${type}", which is not documented`
  if (described.schema === undefined || type !== JSON_TYPE) return undefined
  const problem = checker.problemOf(described.schema, parsed(text))
  return problem === undefined ? undefined : `answers ${status} with a body that is not as documented: ${problem}`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
