import type { DialectName } from '../../config.ts'
import type { Shared, Sharing } from './sharing.ts'

type Choose = (sharing: readonly Sharing[]) => Shared

/** Routes where the request tells which of the documents is meant, by method and path. */
export const CHOOSERS: Readonly<Record<string, Choose>> = {
  'DELETE /conversations/:': onlyBy('unified')
}

/** Answered by one of them, whose bodies have all that the others’ have. */
function onlyBy(name: DialectName): Choose {
  return sharing => {
    const chosen = sharing.find(({ dialect }) => dialect.name === name)
    if (chosen === undefined) throw new Error(`${name} does not name this route`)
    return { presentError: error => chosen.dialect.presentError(error), route: chosen.route }
  }
}
