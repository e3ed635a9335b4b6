import type { TSchema } from '@sinclair/typebox'
import { type ValueError, ValueErrorType } from '@sinclair/typebox/errors'
import { Value } from '@sinclair/typebox/value'

const MAX_PATH_LENGTH = 64
/** Errors of a form that is not the one which is meant. */
const OTHER_FORM: ReadonlySet<ValueErrorType> = new Set([ValueErrorType.Literal, ValueErrorType.Null])
const PROBLEMS: Partial<Record<ValueErrorType, (schema: TSchema) => string>> = {
  [ValueErrorType.ObjectRequiredProperty]: () => 'is required',
  [ValueErrorType.ObjectAdditionalProperties]: () => 'is not a field of this',
  [ValueErrorType.Object]: () => 'must be an object',
  [ValueErrorType.Array]: () => 'must be an array',
  [ValueErrorType.ArrayMinItems]: schema => `needs ${schema['minItems']} items or more`,
  [ValueErrorType.ArrayMaxItems]: schema => `may have ${schema['maxItems']} items at most`,
  [ValueErrorType.ArrayUniqueItems]: () => 'has an item twice',
  [ValueErrorType.String]: () => 'must be text',
  [ValueErrorType.StringMinLength]: schema => `must have ${schema['minLength']} characters or more`,
  [ValueErrorType.StringMaxLength]: schema => `may have ${schema['maxLength']} characters at most`,
  [ValueErrorType.StringPattern]: () => 'does not have the right form',
  [ValueErrorType.Integer]: () => 'must be a whole number',
  [ValueErrorType.IntegerMinimum]: schema => `must be ${schema['minimum']} or more`,
  [ValueErrorType.IntegerMaximum]: schema => `must be ${schema['maximum']} or less`,
  [ValueErrorType.Boolean]: () => 'must be true or false'
}

/** Describe the first problem of a value that its schema refuses, in our own words; never repeats what was sent. */
export function describeProblem(what: string, schema: TSchema, value: unknown): string {
  const error = firstError(schema, value)
  const place = `${what}${error?.path ?? ''}`.slice(0, MAX_PATH_LENGTH)
  return `${place} ${error ? wordsFor(error) : 'is not valid'}`
}

function firstError(schema: TSchema, value: unknown): ValueError | undefined {
  const error = Value.Errors(schema, value).First()
  return error && meantError(error)
}

/** The error; of one of several forms, that of the form which the value's words (such as its `type`) name, if not null. */
function meantError(error: ValueError): ValueError {
  if (error.type !== ValueErrorType.Union) return error
  const forms = error.errors.map(errors => [...errors])
  const meant = forms.filter(errors => errors.every(({ type }) => !OTHER_FORM.has(type)))
  const [only] = meant.length === 1 ? (meant[0] ?? []) : []
  return only === undefined ? error : meantError(only)
}

function wordsFor({ type, schema }: ValueError): string {
  return PROBLEMS[type]?.(schema) ?? 'is not valid'
}
