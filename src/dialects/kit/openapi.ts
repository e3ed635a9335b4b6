import { ERRORS } from '../../../protocol/errors.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { describeRoutes } from '../../ops/api-docs/openapi.ts'
import type { Dialect } from './dialect.ts'

/** The OpenAPI document of one dialect: its routes at the document's own paths. */
export async function describeDialect({ name, routes, presentError }: Dialect): Promise<object> {
  const example = presentError(new AppError('not_found', 'There is nothing at this path'))
  const codes = Object.entries(ERRORS).map(([code, { status }]) => `\`${code}\` ${status}`)
  const refused = {
    description: `Refused. Codes and their statuses: ${codes.join(', ')}.`,
    content: { 'application/json': { example } }
  }
  const described = routes.map(({ method, url, summary, schema, isPublic, status }) => ({
    method,
    url,
    schema: {
      summary,
      tags: [name],
      ...schema,
      ...omitUndefined({ security: isPublic ? [] : undefined }),
      response: { [status]: GRANTED }
    }
  }))
  const info = {
    title: `Parley for ${name}`,
    description: `The API of apps of the kind \`${name}\`, at the root of the server and under \`/${name}\`.`
  }
  const document = await describeRoutes(info, { tags: [{ name, description: info.description }], routes: described })
  for (const path of Object.values(document.paths)) {
    for (const operation of Object.values(path as Record<string, { responses: object }>)) {
      Object.assign(operation.responses, { default: refused })
    }
  }
  return document
}

const GRANTED = { description: 'Done.', type: 'object', additionalProperties: true }
