/**
 * Clock of the database as this process knows it. All processes agree on it, however far their own clocks are apart:
 * times that are compared with those of others come from here.
 */
export class DatabaseClock {
  readonly #ask: () => Promise<Date>
  /** The database's time at the start of this process, ms since 1970; until it was asked, by the process's own clock. */
  #startedAt = Date.now() - uptimeMs()

  /** @param ask reads the time of the database */
  constructor(ask: () => Promise<Date>) {
    this.#ask = ask
  }

  /** Asks the database for its time, and keeps it: half of what the question takes is taken for the way back. */
  async read(): Promise<Date> {
    const askedAt = uptimeMs()
    const time = await this.#ask()
    this.#startedAt = time.getTime() - (askedAt + uptimeMs()) / 2
    return time
  }

  /** Time of the database, ms since 1970. */
  now(): number {
    return Math.round(this.#startedAt + uptimeMs())
  }
}

function uptimeMs(): number {
  return process.uptime() * 1_000
}
