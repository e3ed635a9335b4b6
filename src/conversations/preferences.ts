import type { Membership } from '../../protocol/conversations/entities.ts'
import { PreferencesUpdated } from '../../protocol/conversations/events.ts'
import type { PreferenceChanges } from '../../protocol/conversations/routes.ts'
import { bareId } from '../../protocol/ids.ts'
import type { Actor } from '../actor.ts'
import type { Bus } from '../bus/bus.ts'
import { ObjectId } from '../database/object-id.ts'
import { conversationId } from '../ids.ts'
import { FOR_EVER, isHiddenAt, isMuted, presentMembership } from '../present/present.ts'
import type { ConversationStore, Head } from '../store/conversations.ts'
import type { MemberDoc, PreferencesDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import { noSuchConversation } from '../store/missing.ts'
import type { AccountStore } from '../streams/store.ts'
import { requireMoment, requireWellFormed } from '../text.ts'
import type { ReceiptService } from './receipts.ts'

interface PreferenceDeps {
  store: { readonly accounts: AccountStore; readonly conversations: ConversationStore; readonly members: MemberStore }
  bus: Bus
  receipts: Pick<ReceiptService, 'mark'>
}

/** Preferences of a member for a conversation: muted, pinned, archived, cleared, hidden. Nobody else sees it. */
export class PreferenceService {
  readonly #store: PreferenceDeps['store']
  readonly #bus: Bus
  readonly #receipts: PreferenceDeps['receipts']

  constructor({ store, bus, receipts }: PreferenceDeps) {
    this.#store = store
    this.#bus = bus
    this.#receipts = receipts
  }

  /** The actor's own side of a conversation. @throws {AppError} `not_found` for who is not a member */
  async get(actor: Actor, id: string): Promise<Membership> {
    const { me, head } = await this.#require(actor, id)
    return presentMembership(me, head.saidSeq)
  }

  /**
   * Changes what is given and tells the actor's devices; a repeat changes nothing. `muted` without `mutedUntil` is for
   * ever, an empty text takes a nickname or a ringtone away.
   * @throws {AppError} `not_found` for who is not a member, `invalid`
   */
  async set(actor: Actor, id: string, changes: PreferenceChanges): Promise<Membership> {
    const { me, head } = await this.#require(actor, id)
    const wanted = fieldsOf(changes, head.seq)
    const isSame = Object.entries(wanted).every(([name, value]) =>
      isEqual(name, value, { now: me.preferences?.[name as keyof PreferencesDoc], me, head })
    )
    if (isSame) return presentMembership(me, head.saidSeq)
    return await this.#change(actor, head, async session => {
      return await this.#store.members.setPreferences(me, wanted, session)
    })
  }

  /**
   * Clears what was said so far, for the actor alone; it counts as read.
   * @throws {AppError} `not_found` for who is not a member
   */
  async clear(actor: Actor, id: string): Promise<Membership> {
    return await this.#clear(actor, id, false)
  }

  /**
   * Clears a conversation and takes it out of the actor's list until somebody says something in it.
   * @throws {AppError} `not_found` for who is not a member
   */
  async hide(actor: Actor, id: string): Promise<Membership> {
    return await this.#clear(actor, id, true)
  }

  /** Members among these people who have muted the conversation now; ids are 24 hexadecimal digits. */
  async mutedAmong(id: string, userIds: readonly string[]): Promise<Set<string>> {
    const rows = await this.#store.members.findAll(
      new ObjectId(bareId(id)),
      userIds.map(it => new ObjectId(it))
    )
    return new Set(rows.filter(isMuted).map(({ userId }) => userId.toHexString()))
  }

  async #clear(actor: Actor, id: string, isHidden: boolean): Promise<Membership> {
    const { me, head } = await this.#require(actor, id)
    const isDone = me.clearedSeq >= head.seq && (!isHidden || isHiddenAt(me, head.saidSeq))
    if (isDone) return presentMembership(me, head.saidSeq)
    // The others hear that it was read.
    await this.#receipts.mark(actor, head._id.toHexString(), { readSeq: head.seq })
    return await this.#change(actor, head, async session => {
      return await this.#store.members.clear(me, { seq: head.seq, isHidden }, session)
    })
  }

  async #change(
    actor: Actor,
    head: Head,
    write: (session: Parameters<MemberStore['clear']>[2]) => Promise<MemberDoc | null>
  ): Promise<Membership> {
    let after: MemberDoc | null = null
    const userId = new ObjectId(actor.userId)
    const rev = await this.#store.accounts.change(userId, 'preferences', head._id, async session => {
      after = await write(session)
      if (after === null) throw noSuchConversation()
    })
    if (after === null) throw new Error('A membership was changed, but which')
    const me = presentMembership(after, head.saidSeq)
    const event = PreferencesUpdated.create({ conversationId: conversationId(head._id), me })
    this.#bus.publish('user', { userId: actor.userId, rev, event })
    return me
  }

  /** The membership, and the head read before it. */
  async #require(actor: Actor, id: string): Promise<{ me: MemberDoc; head: Head }> {
    const _id = new ObjectId(bareId(id))
    const head = await this.#store.conversations.head(_id)
    const me = await this.#store.members.find(_id, new ObjectId(actor.userId))
    if (head === undefined || me === null) throw noSuchConversation()
    return { me, head }
  }
}

const FLAGS = ['pinned', 'archived', 'favorite'] as const
const TEXTS = ['ringtone', 'nickname'] as const

/** Fields to store; `undefined` takes one away. */
function fieldsOf(changes: PreferenceChanges, seq: number): { [name in keyof PreferencesDoc]: unknown } {
  const { muted, mutedUntil, hidden } = changes
  const flags = FLAGS.filter(name => changes[name] !== undefined).map(name => [name, changes[name] || undefined])
  const texts = TEXTS.filter(name => changes[name] !== undefined).map(name => [name, readableOf(name, changes[name])])
  return {
    ...Object.fromEntries([...flags, ...texts]),
    ...(hidden === undefined ? {} : { hiddenAtSeq: hidden ? seq : undefined }),
    ...(muted === undefined && mutedUntil === undefined ? {} : { mutedUntil: mutedUntilOf(muted, mutedUntil) })
  }
}

function mutedUntilOf(muted: boolean | undefined, until: string | undefined): Date | undefined {
  if (muted === false) return undefined
  if (until === undefined) return FOR_EVER
  return requireMoment('mutedUntil', isLocalTime(until) ? `${until}Z` : until)
}

/** A time without a zone, which is read as UTC wherever the server is. */
function isLocalTime(text: string): boolean {
  return text.includes('T') && !/(?:Z|[+-]\d\d:?\d\d)$/i.test(text)
}

function readableOf(field: string, text = ''): string | undefined {
  return requireWellFormed(field, text).trim() || undefined
}

/** Whether a preference is as wanted already; hidden is hidden, since whichever message. */
function isEqual(
  name: string,
  wanted: unknown,
  { now, me, head }: { now: unknown; me: MemberDoc; head: Head }
): boolean {
  if (name === 'hiddenAtSeq' && wanted !== undefined) return isHiddenAt(me, head.saidSeq)
  if (wanted instanceof Date) return now instanceof Date && now.getTime() === wanted.getTime()
  return now === wanted
}
