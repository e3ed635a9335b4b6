import type { Metrics, Sources } from './metrics.ts'

/** The figures of this process, made when they are asked for. */
export type LoadMetrics = () => Promise<Metrics>

/** Loads the library that counts with the first commit or the first question, whichever comes first. */
export function createMetrics(sources: Sources, onError: (error: unknown) => void): LoadMetrics {
  let loading: Promise<Metrics> | undefined
  const load: LoadMetrics = async () => {
    loading ??= import('./metrics.ts').then(({ Metrics }) => new Metrics(sources))
    return await loading
  }
  sources.commits.onBatch = (changes, seconds) => {
    load()
      .then(metrics => metrics.observeBatch(changes, seconds))
      .catch(onError)
  }
  return load
}
