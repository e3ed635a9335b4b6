/** Counts for the operator, by labels whose values are few and known beforehand. */
export class LabelCounts<Name extends string> {
  readonly #counts = new Map<string, { readonly labels: Readonly<Record<Name, string>>; count: number }>()

  /** Counts one of these labels. */
  count(labels: Readonly<Record<Name, string>>): void {
    const key = Object.values(labels).join(' ')
    const found = this.#counts.get(key)
    if (found === undefined) this.#counts.set(key, { labels, count: 1 })
    else found.count += 1
  }

  /** List the counts that are not zero. */
  all(): Iterable<{ readonly labels: Readonly<Record<Name, string>>; readonly count: number }> {
    return this.#counts.values()
  }
}
