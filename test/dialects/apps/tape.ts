/** Request of a person, and the answer. */
interface Step {
  readonly who: string
  readonly says: string
  readonly with?: unknown
  readonly answer: unknown
}

/** Recorder of a talk, in the order of its requests. */
export class Recorder {
  readonly steps: Step[] = []

  note(step: Step): void {
    this.steps.push(step)
  }
}

/** Of the server, and the random ones that apps give their messages. */
const ID = /[0-9a-f]{24}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/

/** Fields of delivery progress and of presence, which depend on the moment of the request. */
const MOMENTARY: Readonly<Record<string, (value: unknown) => boolean>> = {
  status: value => value === 'sent' || value === 'delivered',
  deliveredSeq: () => true,
  deliveredUpTo: () => true,
  lastSeen: () => true,
  requestId: value => typeof value === 'string' && value.startsWith('req-')
}

/** Field that is there or not by the moment of the request. */
const FLEETING = 'lastSeenAt'

/**
 * The same for every run: each id is replaced by a number, in the order of appearance. Times are not numbered,
 * because two may be the same by chance.
 */
export function normalised(value: unknown): unknown {
  const numbers = new Map<string, number>()
  const numbered = (text: string) =>
    text.replace(ID, id => {
      numbers.set(id, numbers.get(id) ?? numbers.size + 1)
      return `<id ${numbers.get(id)}>`
    })
  return walk(value, text => (TIME.test(text) ? '<time>' : numbered(text)))
}

function walk(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map(item => walk(item, change))
  if (typeof value !== 'object' || value === null) return value
  const lasting = Object.entries(value).filter(([key]) => key !== FLEETING)
  const entries = lasting.map(([key, it]) => [change(key), MOMENTARY[key]?.(it) ? '<of the moment>' : walk(it, change)])
  return Object.fromEntries(entries)
}
