import type { Metrics, Sources } from './metrics.ts'

/** The figures of this process, made when they are asked for. */
export type LoadMetrics = () => Promise<Metrics>

/** Loads the library that counts with the first commit, request or question, whichever comes first. */
export function createMetrics(sources: Sources, onError: (error: unknown) => void): LoadMetrics {
  let loading: Promise<Metrics> | undefined
  const load: LoadMetrics = async () => {
    loading ??= import('./metrics.ts').then(({ Metrics }) => new Metrics(sources))
    return await loading
  }
  const later = (observe: (metrics: Metrics) => void): void => {
    load().then(observe).catch(onError)
  }
  sources.commits.onBatch = (changes, seconds) => later(metrics => metrics.observeBatch(changes, seconds))
  sources.requests.onAnswered = (labels, seconds) => later(metrics => metrics.observeRequest(labels, seconds))
  return load
}
