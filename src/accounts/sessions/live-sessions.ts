import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { RecentCache } from '../../limits/recent-cache.ts'
import type { SessionDoc, SessionStore } from './store.ts'

interface LiveSessionDeps {
  readonly store: Pick<SessionStore, 'find' | 'touch' | 'noteUse'>
  readonly config: Pick<Config, 'timings'>
}

/** A session as it was when it was looked up. */
interface LiveSession {
  /** Its person, 24 hexadecimal digits; '' when it has ended. */
  readonly userId: string
  /** Newest generation that is known to have come in; it goes up with the requests. */
  usedGeneration: number
}

const MAX_CACHED = 50_000
const TOUCH_MS = 300_000

/** Sessions that are live, and which of their tokens have come in. Looked up, and then cached for seconds. */
export class LiveSessions {
  readonly #store: LiveSessionDeps['store']
  readonly #sessions: RecentCache<LiveSession>

  constructor({ store, config }: LiveSessionDeps) {
    this.#store = store
    this.#sessions = new RecentCache(id => this.#load(id), config.timings.sessionCacheMs, MAX_CACHED)
  }

  /** Looks a session up anew that may have ended on another server. */
  forget(sessionId: string): void {
    this.#sessions.delete(sessionId)
  }

  /**
   * Refuses who speaks from a session that has ended, and notes the first request by a token of each generation.
   * @param generation generation of the refresh token that the access token was made with; 0 where it is not known
   * @throws {AppError} `session_revoked`
   */
  async require(userId: string, sessionId: string, generation: number): Promise<void> {
    const session = await this.#sessions.get(sessionId)
    if (session.userId !== userId) throw new AppError('session_revoked', 'The session has ended')
    if (generation <= session.usedGeneration) return
    // Before the request is answered: from then on the token before is not good any more.
    await this.#store.noteUse(new ObjectId(sessionId), generation)
    session.usedGeneration = Math.max(session.usedGeneration, generation)
  }

  async #load(sessionId: string): Promise<LiveSession> {
    const session = await this.#store.find(new ObjectId(sessionId))
    const now = new Date()
    if (!session || session.revokedAt || session.expiresAt <= now) return { userId: '', usedGeneration: 0 }
    if (now.getTime() - session.lastSeenAt.getTime() > TOUCH_MS) await this.#store.touch(session._id, now)
    return { userId: session.userId.toHexString(), usedGeneration: usedGenerationOf(session) }
  }
}

/** Newest generation of which a token has come in; of older sessions, where that was not noted, the newest there is. */
export function usedGenerationOf({ generation, usedGeneration = generation }: SessionDoc): number {
  return usedGeneration
}
