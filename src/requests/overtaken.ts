import type { RequestDoc } from './store.ts'

/** Signal that somebody else decided a request of the two in the same moment. */
export class OvertakenError extends Error {
  /** The request as it is by now. */
  readonly decided: RequestDoc | null

  constructor(decided: RequestDoc | null) {
    super('Somebody else was first')
    this.decided = decided
  }
}
