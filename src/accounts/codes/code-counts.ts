/** Limit of requests for codes, as metrics name it. */
export type CodeLimit = 'network' | 'person' | 'recipient' | 'block' | 'country' | 'server'

/** Counts of one-time codes since the start. */
export class CodeCounts {
  sent = 0
  used = 0
  /** Requests that were refused, by each limit that was full. */
  readonly refused = new Map<CodeLimit, number>()

  countRefused(limit: CodeLimit): void {
    this.refused.set(limit, (this.refused.get(limit) ?? 0) + 1)
  }
}
