import type { Db } from 'mongodb'
import type { Test } from 'tap'
import type { Answer, TestServer } from '../../helper.ts'

/** Stage of the rows: one server for all of them, each with people of its own. */
export interface Stage {
  readonly server: TestServer
  readonly db: Db
}

/** Something that is used again, at once, by somebody else or too late, and what must become of it. */
export interface Row {
  /** Face in whose words it is said. */
  readonly face: string
  readonly what: string
  run(t: Test, stage: Stage): Promise<void>
}

/** So often is something tried at once. */
export const AT_ONCE = 10

/** The same thing several times at once. */
export async function atOnce<T>(act: (index: number) => Promise<T>): Promise<T[]> {
  return await Promise.all(Array.from({ length: AT_ONCE }, async (_, index) => await act(index)))
}

/** Count the answers with this status. */
export function countOf(answers: readonly Pick<Answer, 'status'>[], status: number): number {
  return answers.filter(answer => answer.status === status).length
}

let numbers = 0

/** A German mobile number that nobody else in this process has. */
export function newPhone(): string {
  numbers += 1
  return `+4915112${String(numbers).padStart(6, '0')}`
}
