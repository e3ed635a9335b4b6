/** Something that went otherwise than the documents say. */
export interface Finding {
  /** Operation or command. */
  readonly where: string
  readonly problem: string
  /** What was sent and what came, cut to what a person can read. */
  readonly example: string
}

const EXAMPLE_CHARACTERS = 600

/** Counts cases by their outcome, and keeps one example of each problem. */
export class Findings {
  readonly outcomes = new Map<string, number>()
  readonly #byProblem = new Map<string, Finding>()

  get cases(): number {
    return [...this.outcomes.values()].reduce((sum, count) => sum + count, 0)
  }

  get all(): Finding[] {
    return [...this.#byProblem.values()]
  }

  /** Notes a case. @param problem undefined where everything was as documented */
  note(
    where: string,
    { outcome, problem, example }: { outcome: string; problem?: string | undefined; example: () => string }
  ) {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1)
    const key = `${where} ${problem}`
    if (problem === undefined || this.#byProblem.has(key)) return
    this.#byProblem.set(key, { where, problem, example: example().slice(0, EXAMPLE_CHARACTERS) })
  }

  /** What happened, in a line. */
  summary(): string {
    const outcomes = [...this.outcomes].sort().map(([name, count]) => `${name}: ${count}`)
    return `${this.cases} cases (${outcomes.join(', ')}), ${this.#byProblem.size} problems`
  }
}
