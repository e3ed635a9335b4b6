import { figure, median, ratios, withSpread } from './stats.ts'

/** A figure that is read off a measurement, and whether more of it is better. */
export interface Metric<Result> {
  readonly title: string
  readonly isMoreBetter: boolean
  of(result: Result): number
}

/** The results of one side, round by round. */
export interface Series<Result> {
  readonly side: string
  readonly results: readonly Result[]
}

/** A row of medians for each side. */
export function medianRow<Result>({ results }: Series<Result>, metrics: readonly Metric<Result>[]): string[] {
  return metrics.map(metric => figure(median(results.map(result => metric.of(result)))))
}

/** For each metric the ratio of ours to the peer that is best in that metric, with its spread. */
export function ratioRow<Result>(
  ours: Series<Result>,
  peers: readonly Series<Result>[],
  metrics: readonly Metric<Result>[]
): string[] {
  return metrics.map(metric => {
    const figures = peers.map(({ results }) => results.map(result => metric.of(result)))
    const [first, ...others] = figures
    if (first === undefined) return ''
    const isBetter = (one: number, other: number) => (metric.isMoreBetter ? one > other : one < other)
    const best = others.reduce((chosen, next) => (isBetter(median(next), median(chosen)) ? next : chosen), first)
    const mine = ours.results.map(result => metric.of(result))
    return withSpread(ratios(mine, best))
  })
}
