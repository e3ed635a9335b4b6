import { AppError } from '../errors.ts'
import { LabelCounts } from '../label-counts.ts'

/** Ways of signing in. */
type Way = 'password' | 'code' | 'qr' | 'refresh'

/** Sign-ins that were refused, by way and by why; who waits for an approval is not refused. */
export class SignInCounts {
  readonly refused = new LabelCounts<'way' | 'code'>()

  /** Counts how a sign-in ends. */
  async watch<T>(way: Way, work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof AppError && error.code !== 'approval_pending') this.refused.count({ way, code: error.code })
      throw error
    }
  }
}
