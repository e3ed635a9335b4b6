import type { ClientSession, Collection, Db, MongoClient } from 'mongodb'
import { ObjectId } from 'mongodb'
import { boundedMap } from '../../limits/bounded-map.ts'
import { byConversation } from '../by-conversation.ts'
import type { ConversationDoc, MemberDoc } from '../documents.ts'
import type { ConversationState } from './draft.ts'

/** Memberships that one process keeps in memory, over all conversations. */
const MAX_CACHED_MEMBERS = 500_000

/**
 * The conversations that this process has changed lately. What it says may be out of date, and the compare-and-set
 * of the commit finds that out; nobody else needs to tell it.
 */
export class ConversationCache {
  readonly #client: MongoClient
  readonly #conversations: Collection<ConversationDoc>
  readonly #members: Collection<MemberDoc>
  readonly #states = boundedMap<ConversationState>(MAX_CACHED_MEMBERS, {
    sizeCalculation: ({ members }) => members.size + 1
  })

  constructor(client: MongoClient, db: Db) {
    this.#client = client
    this.#conversations = db.collection('conversations')
    this.#members = db.collection('members')
  }

  get size(): number {
    return this.#states.size
  }

  /** The states of these conversations, from memory or else from one snapshot; those that do not exist are left out. */
  async load(ids: Iterable<string>): Promise<Map<string, ConversationState>> {
    const found = new Map<string, ConversationState>()
    const missing: string[] = []
    for (const id of ids) {
      const state = this.#states.get(id)
      if (state === undefined) missing.push(id)
      else found.set(id, state)
    }
    if (missing.length > 0) {
      for (const state of await this.#read(missing)) {
        this.keep(state)
        found.set(state.doc._id.toHexString(), state)
      }
    }
    return found
  }

  /** The head as it is in memory, if it is there: committed, and perhaps no longer the newest. */
  head(id: string): ConversationDoc | undefined {
    return this.#states.get(id)?.doc
  }

  /** Remembers a state that is known to be committed. */
  keep(state: ConversationState): void {
    this.#states.set(state.doc._id.toHexString(), state)
  }

  forget(id: string): void {
    this.#states.delete(id)
  }

  /**
   * Brings those of the given conversations up to date whose head has moved on, as far as a majority has it.
   * @returns them
   */
  async refresh(ids: readonly string[]): Promise<Set<string>> {
    const moved = await this.#readMoved(ids, 'majority')
    for (const state of moved.values()) this.keep(state)
    return new Set(moved.keys())
  }

  /**
   * The states that the next commit builds on, though they may not be safe from a failover yet. Not remembered: only
   * a commit on top of them proves them.
   */
  async peek(ids: readonly string[]): Promise<Map<string, ConversationState>> {
    const states = await this.load(ids)
    return new Map([...states, ...(await this.#readMoved(ids, 'local'))])
  }

  /**
   * Read the states that have moved. The head is read first: memberships that are newer than it do no harm,
   * because a head that has moved refuses whatever was decided on them.
   */
  async #readMoved(ids: readonly string[], level: 'local' | 'majority'): Promise<Map<string, ConversationState>> {
    const known = await this.load(ids)
    const readConcern = { level }
    return await this.#client.withSession(async session => {
      const options = { session, readConcern }
      const docs = await this.#conversations.find({ _id: { $in: ids.map(id => new ObjectId(id)) } }, options).toArray()
      const moved = docs.filter(({ _id, rev }) => known.get(_id.toHexString())?.doc.rev !== rev)
      const since = moved.flatMap(({ _id, memberRev }) => {
        const rev = known.get(_id.toHexString())?.doc.rev ?? 0
        return memberRev > rev ? [{ conversationId: _id, rev: { $gt: rev } }] : []
      })
      const changed = since.length === 0 ? [] : await this.#members.find({ $or: since }, options).toArray()
      const rows = byConversation(changed)
      return new Map(
        moved.map(doc => {
          const id = doc._id.toHexString()
          return [id, { doc, members: withChanges(known.get(id)?.members ?? new Map(), rows.get(id) ?? []) }]
        })
      )
    })
  }

  async #read(ids: readonly string[]): Promise<ConversationState[]> {
    return await this.#client.withSession({ snapshot: true }, async session => await this.#readSnapshot(ids, session))
  }

  async #readSnapshot(ids: readonly string[], session: ClientSession): Promise<ConversationState[]> {
    const wanted = { $in: ids.map(id => new ObjectId(id)) }
    const docs = await this.#conversations.find({ _id: wanted }, { session }).toArray()
    const members = new Map(docs.map(({ _id }) => [_id.toHexString(), new Map<string, MemberDoc>()]))
    const rows = this.#members.find(
      { conversationId: wanted, leftAt: { $exists: false } },
      { session, batchSize: 10_000 }
    )
    for await (const row of rows) members.get(row.conversationId.toHexString())?.set(row.userId.toHexString(), row)
    return docs.map(doc => ({ doc, members: members.get(doc._id.toHexString()) ?? new Map() }))
  }
}

function withChanges(
  members: ConversationState['members'],
  changed: readonly MemberDoc[]
): ConversationState['members'] {
  if (changed.length === 0) return members
  const next = new Map(members)
  for (const member of changed) {
    const userId = member.userId.toHexString()
    if (member.leftAt === undefined) next.set(userId, member)
    else next.delete(userId)
  }
  return next
}
