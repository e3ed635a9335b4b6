import { styleText } from 'node:util'
import { Parser, type Result } from 'tap-parser'

/** Assertions of one file or of many. */
export interface Counts {
  passed: number
  failed: number
}

/** Result of one file. */
export interface FileResult extends Counts {
  readonly file: string
  readonly ms: number
  /** Failures besides assertions. */
  readonly notes: readonly string[]
  /** Output of the file. */
  readonly output: string
}

/** Record of a file so far. */
export class Record implements Counts {
  readonly file: string
  readonly notes: string[] = []
  readonly output: string[] = []
  readonly #startedAt = performance.now()
  passed = 0
  failed = 0

  constructor(file: string) {
    this.file = file
  }

  /** Counts leaf assertions: the line that sums a subtest up is not one. What is skipped or to do fails. */
  add(assertion: Result): void {
    if (isLeftOut(assertion)) this.notes.push(`skipped or to do: ${assertion.name}`)
    if (isLeftOut(assertion)) this.failed += 1
    else if (!assertion.closingTestPoint) this[assertion.ok ? 'passed' : 'failed'] += 1
  }

  /** Fails for what no assertion tells. */
  accuse(note: string): void {
    this.notes.push(note)
    this.failed += 1
  }

  /** @param end how the process ended, where it ended with the file in hand */
  finish(end?: number | NodeJS.Signals | null): FileResult {
    if (end !== undefined) this.notes.push(typeof end === 'string' ? `ended by ${end}` : `exit code ${end}`)
    const isEmpty = this.passed + this.failed === 0
    if (isEmpty) this.notes.push('no assertion')
    if ((end !== undefined || isEmpty) && this.failed === 0) this.failed = 1
    const { file, passed, failed, notes } = this
    return {
      file,
      passed,
      failed,
      notes,
      ms: Math.round(performance.now() - this.#startedAt),
      output: this.output.join('')
    }
  }
}

function isLeftOut({ skip, todo }: Result): boolean {
  return skip !== false || todo !== false
}

/** Reads the output of a worker, and hands every assertion on, at whatever depth. */
export function readTap(onAssertion: (assertion: Result) => void): Parser {
  const parser = new Parser()
  const listen = (tap: Parser) => {
    tap.on('child', listen)
    tap.on('assert', onAssertion)
  }
  listen(parser)
  return parser
}

/** Prints a line about a file, and everything that it said when it failed. */
export function report({ file, passed, failed, ms, notes, output }: FileResult): void {
  const mark = failed > 0 ? '✗' : '✓'
  const sign = process.stdout.isTTY ? styleText(failed > 0 ? 'red' : 'green', mark) : mark
  const figures = failed > 0 ? `${passed} passed, ${failed} failed` : `${passed} passed`
  console.log(`${sign} ${file}: ${figures}, ${ms} ms${notes.map(note => ` (${note})`).join('')}`)
  if (failed > 0) console.log(output)
}

const SLOWEST = 10

/** Prints what took longest, what failed, and in the last line how many assertions passed and failed. @returns the sum */
export function summarize(results: readonly FileResult[]): Counts {
  const byTime = [...results].sort((a, b) => b.ms - a.ms).slice(0, SLOWEST)
  console.log(`Slowest files:\n${byTime.map(({ file, ms }) => `  ${(ms / 1000).toFixed(1)} s  ${file}`).join('\n')}`)
  for (const { file, notes } of results.filter(({ failed }) => failed > 0)) {
    console.log(`failed: ${file} ${notes.join(', ')}`)
  }
  const total = { passed: 0, failed: 0 }
  for (const { passed, failed } of results) {
    total.passed += passed
    total.failed += failed
  }
  console.log(`${total.passed} passed, ${total.failed} failed`)
  return total
}
