import {
  type MongoClient,
  MongoClientClosedError,
  MongoError,
  MongoNetworkError,
  MongoNotConnectedError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  MongoTopologyClosedError,
  type TopologyDescriptionChangedEvent
} from 'mongodb'
import { AppError } from '../errors.ts'

/** Time for which who comes while the database is away waits for it: an election may take as long, ms. */
export const PATIENCE_MS = 5_000
const RETRY_AFTER_MS = 1_000

/** Classes of the driver's errors that say that a database was not reached. */
const UNREACHED = [
  ...[MongoServerSelectionError, MongoNetworkError, MongoNotConnectedError, MongoTopologyClosedError],
  ...[MongoClientClosedError, MongoOperationTimeoutError]
]
/** Codes of a server that stops, or has become or ceased to be the primary. */
const CHANGING_STATE = new Set<unknown>([91, 189, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436])

/** Methods of a pino logger that are used here. */
interface OutageLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Span in which the database is away. */
interface Outage {
  readonly since: number
  /** Resolves when it is back, or the patience is over. */
  readonly over: Promise<void>
  end(): void
}

/** Whether the database takes writes, as the driver's monitor sees it, and what that makes of its errors. */
export class Availability {
  /** Told once that the database is away, and once that it is back. */
  log: OutageLog | undefined
  readonly #client: MongoClient
  #outage: Outage | undefined

  /** @param client that is connected */
  constructor(client: MongoClient) {
    this.#client = client
    client.on('topologyDescriptionChanged', this.#onChange)
  }

  /** Waits for a database that has just gone away. @throws {AppError} `busy` when it stays away for longer than a moment */
  async require(): Promise<void> {
    await this.#outage?.over
    this.requireNow()
  }

  /** @throws {AppError} `busy` when the database is away */
  requireNow(): void {
    if (this.#outage !== undefined) throw refusalFor(new MongoNotConnectedError('The database is away'))
  }

  /**
   * Converts an error of a database that was not reached to the one that callers get: `busy`, or `unknown_outcome`.
   * Any other stays as it is. The one place where that is decided, but for the commits.
   * @param writingSince when the work began, if it writes: unless the database was away from then on, nobody knows
   */
  asRefusal(error: unknown, writingSince?: number): unknown {
    if (error instanceof AppError || !isUnreached(error)) return error
    const wasThere = writingSince !== undefined && (this.#outage === undefined || this.#outage.since > writingSince)
    return wasThere ? unknownOutcome(error) : refusalFor(error)
  }

  /** Hears no more: its own client's end is no outage. */
  stop(): void {
    this.#client.off('topologyDescriptionChanged', this.#onChange)
    this.#outage?.end()
  }

  readonly #onChange = ({ newDescription }: TopologyDescriptionChangedEvent): void => {
    const isThere = [...newDescription.servers.values()].some(server => server.isWritable)
    if (isThere === (this.#outage === undefined)) return
    if (!isThere) {
      this.#outage = beginOutage()
      const reason = newDescription.error?.message
      return this.log?.warn({ reason }, 'The database cannot be reached; until it is back, requests are `busy`')
    }
    const { since = 0, end } = this.#outage ?? {}
    this.#outage = undefined
    end?.()
    this.log?.info({ awayMs: Math.round(performance.now() - since) }, 'The database is back')
  }
}

function beginOutage(): Outage {
  let end = (): void => undefined
  const over = new Promise<void>(resolve => {
    const timer = setTimeout(resolve, PATIENCE_MS)
    end = () => {
      clearTimeout(timer)
      resolve()
    }
  })
  return { since: performance.now(), over, end: () => end() }
}

/** Whether an error says no more than that the database was not reached, or was not the primary. */
export function isUnreached(error: unknown): boolean {
  if (error instanceof AppError) return isUnreached(error.cause)
  if (UNREACHED.some(unreached => error instanceof unreached)) return true
  if (!(error instanceof MongoServerError)) return false
  // The error of several writes at once wraps that of their command.
  const { errorResponse } = error
  return CHANGING_STATE.has(error.code) || (errorResponse instanceof MongoError && isUnreached(errorResponse))
}

/** Reports errors, but for those of an outage, of which there is one line already. */
export function exceptOutages(report: (error: unknown) => void): (error: unknown) => void {
  return error => {
    if (!isUnreached(error)) report(error)
  }
}

/** Error for who asked for something that was surely not done, because the database was not to be had. */
export function refusalFor(cause: unknown): AppError {
  const message = 'The database is not available; try again'
  return new AppError('busy', message, { cause, retryAfterMs: RETRY_AFTER_MS })
}

/** Error for who asked for something that may have been done. */
export function unknownOutcome(cause: unknown): AppError {
  const message = 'The database did not say whether this was saved; repeat it, with the same clientId where it has one'
  return new AppError('unknown_outcome', message, { cause })
}
