import { ObjectId } from 'mongodb'

/** Position in a list by time; at the same moment the id decides. */
export interface TimeCursor {
  readonly at: Date
  readonly id: ObjectId
}

/** Name of a position, by which the next page is asked for. */
export function nameTimeCursor({ at, id }: TimeCursor): string {
  return `${at.getTime()}_${id.toHexString()}`
}

/** Position of a name that has the form of `TimeCursor` in the protocol. */
export function readTimeCursor(name: string): TimeCursor {
  const [at = '', id = ''] = name.split('_')
  return { at: new Date(Number(at)), id: new ObjectId(id) }
}
