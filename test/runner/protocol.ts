/** A file for a worker to run. `mark` is found in the environment of every process that the file starts. */
export interface Job {
  readonly file: string
  readonly mark: string
}

/** A database that is to be emptied; the answer, that it is, has the same form. */
export interface Emptying {
  readonly empty: string
}

/** The assertion by which the runner knows that a file has ended: everything about it comes before. */
export function endOf(file: string): string {
  return `end of ${file}`
}
