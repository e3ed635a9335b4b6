import type { DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { hiddenUpTo } from '../../present/present.ts'
import type { ConversationStore } from '../../store/conversations.ts'
import type { MemberDoc } from '../../store/documents.ts'
import type { DeviceCursor, ResumeToken } from '../../streams/positions.ts'
import { MARGIN_MS, MAX_AGE_MS } from '../../streams/recent-positions.ts'
import type { ReplayStores } from '../replay.ts'
import type { CursorPositions } from './store.ts'

/** Conversations of one person that are looked at. */
const MAX_MEMBERSHIPS = 10_000
/** Messages of one conversation that are looked at to find a moment. */
const MAX_LOOKED_AT = 10_000
const DAY_MS = 24 * 3_600_000

/** A person's place in a conversation, and where that stands. */
interface Place {
  readonly me: MemberDoc
  readonly head: Awaited<ReturnType<ConversationStore['activity']>>[number]
}

/** Positions that are proved, and conversations of which more may have arrived than senders were told. */
interface Proved extends CursorPositions {
  readonly undelivered: readonly { readonly id: string; readonly rev: number; readonly deliveredSeq: number }[]
}

interface BeginningDeps {
  readonly clock: DatabaseClock
  readonly store: ReplayStores
}

/** Positions at which clients without cursors begin. */
export class Beginnings {
  readonly #clock: DatabaseClock
  readonly #store: BeginningDeps['store']

  constructor({ clock, store }: BeginningDeps) {
    this.#clock = clock
    this.#store = store
  }

  /** Positions of a new device: before what none of its person's devices has got. */
  async ofNewDevice(userId: string): Promise<CursorPositions> {
    const [account, places] = await Promise.all([this.#store.accounts.head(new ObjectId(userId)), this.#places(userId)])
    const behind = places.flatMap(({ me, head }) => {
      const seq = Math.max(me.deliveredSeq, hiddenUpTo(me))
      return head.seq > seq ? [{ conversationId: head._id, seq }] : []
    })
    const revs = await this.#store.messages.revsAtSeqs(behind.filter(({ seq }) => seq > 0))
    const isBehind = new Set(behind.map(({ conversationId }) => conversationId.toHexString()))
    const conversations = Object.fromEntries(
      places.map(({ head }) => {
        const id = head._id.toHexString()
        return [id, isBehind.has(id) ? (revs.get(id) ?? 0) : head.rev]
      })
    )
    return { account, conversations }
  }

  /** The same of a device that may have been here under another name: the last day comes again. */
  async aDayAgo(userId: string): Promise<CursorPositions> {
    const [{ account, conversations }, places] = await Promise.all([this.ofNewDevice(userId), this.#places(userId)])
    const before = await this.#at(places, new Date(this.#clock.now() - DAY_MS))
    const earlier = Object.entries(conversations).map(
      ([id, rev]) => [id, Math.min(rev, before.get(id) ?? rev)] as const
    )
    return { account, conversations: Object.fromEntries(earlier) }
  }

  /**
   * Positions that the id of an event proves. Of what it does not name, everything from well before its moment has
   * arrived; an id without a moment, or with one of long ago, leaves that as it was.
   */
  async at(userId: string, token: ResumeToken, cursor: DeviceCursor): Promise<Proved> {
    const [account, places] = await Promise.all([this.#store.accounts.head(new ObjectId(userId)), this.#places(userId)])
    const isMoment = this.#clock.now() - token.at < MAX_AGE_MS
    const unnamed = places.filter(({ head }) => !token.recent.has(head._id.toHexString()))
    const known = isMoment ? await this.#at(unnamed, new Date(token.at - MARGIN_MS)) : cursor.conversations
    // A client may claim what it likes: its own conversations count, and no further than they have come.
    const positions = places.map(place => {
      const id = place.head._id.toHexString()
      return { place, id, rev: Math.min(place.head.rev, token.recent.get(id) ?? known.get(id) ?? 0) }
    })
    return {
      account: Math.min(account, token.account),
      conversations: Object.fromEntries(positions.map(({ id, rev }) => [id, rev])),
      undelivered: positions.flatMap(({ place: { me, head }, id, rev }) => {
        // A message takes a `rev`: no more of them have arrived than changes.
        const isMore = Math.min(head.seq, rev) > me.deliveredSeq
        return isMore ? [{ id, rev, deliveredSeq: me.deliveredSeq }] : []
      })
    }
  }

  async #places(userId: string): Promise<Place[]> {
    const memberships = await this.#store.members.findByUser(new ObjectId(userId), MAX_MEMBERSHIPS)
    const heads = await this.#store.conversations.activity(memberships.map(me => me.conversationId))
    const headOf = new Map(heads.map(head => [head._id.toHexString(), head]))
    return memberships.flatMap(me => {
      const head = headOf.get(me.conversationId.toHexString())
      return head === undefined ? [] : [{ me, head }]
    })
  }

  /** Positions at a moment, by conversation id (hex): its head, or where it has moved since, its last message before. */
  async #at(places: readonly Place[], moment: Date): Promise<Map<string, number>> {
    const ids = places.map(({ head }) => head._id)
    const moved = new Map(
      (await this.#store.conversations.movedAmong(ids, moment)).map(doc => [doc._id.toHexString(), doc])
    )
    const positions = new Map<string, number>()
    for (const { head } of places) {
      const id = head._id.toHexString()
      positions.set(id, moved.has(id) ? await this.#revAt(head, moment) : head.rev)
    }
    return positions
  }

  /** The `rev` of the last message before a moment, or of the oldest that is looked at. */
  async #revAt({ _id, seq }: Place['head'], moment: Date): Promise<number> {
    const { messages } = this.#store
    const first = Math.max(0, seq - MAX_LOOKED_AT)
    const found = await messages.newestBefore(_id, moment, first)
    if (found !== null || first === 0) return found?.createdRev ?? 0
    return (await messages.revsAtSeqs([{ conversationId: _id, seq: first }])).get(_id.toHexString()) ?? 0
  }
}
