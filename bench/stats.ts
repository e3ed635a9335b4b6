/** A figure of several rounds. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** The middle value; the mean of the two in the middle when their number is even. NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper
}

/** Median, least and greatest. */
function spread(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) }
}

/** Ratios of two figures taken side by side, round by round. */
export function ratios(ours: readonly number[], theirs: readonly number[]): Spread {
  return spread(ours.map((value, round) => value / (theirs[round] ?? Number.NaN)))
}

/** Three significant digits, thousands grouped: `12,300`, `1.23`, `0.0123`. */
export function figure(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '∞'
  if (Number.isNaN(value)) return '–'
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 4 })
}

/** `1.23 (1.10–1.40)`: the median, and from the least to the greatest. */
export function withSpread({ median: middle, min, max }: Spread): string {
  return `${figure(middle)} (${figure(min)}–${figure(max)})`
}

const BUCKET_RATIO = Math.log(1.01)
const BUCKETS = 2_048
/** Durations below this, ms, all count as this one. */
const SHORTEST_MS = 0.001

/** Durations in buckets one percent wide, from a microsecond to about ten minutes; a fixed amount of memory. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS)
  #total = 0

  /** Number of durations. */
  get count(): number {
    return this.#total
  }

  /** @param durationMs what came too late to be measured may be `Infinity` */
  add(durationMs: number, times = 1): void {
    const bucket = Math.floor(Math.log(Math.max(durationMs, SHORTEST_MS) / SHORTEST_MS) / BUCKET_RATIO)
    const index = Math.min(bucket, BUCKETS - 1)
    this.#counts[index] = (this.#counts[index] ?? 0) + times
    this.#total += times
  }

  /** The duration, ms, that the share `p` (0 to 1) of all does not exceed. NaN of nothing. */
  percentile(p: number): number {
    if (this.#total === 0) return Number.NaN
    let rest = Math.ceil(this.#total * p)
    for (let index = 0; index < BUCKETS; index++) {
      rest -= this.#counts[index] ?? 0
      if (rest <= 0) return index === BUCKETS - 1 ? Number.POSITIVE_INFINITY : SHORTEST_MS * 1.01 ** (index + 0.5)
    }
    return Number.NaN
  }
}
