import { bareId } from '../../protocol/ids.ts'
import { FRAME_OUT_BYTES, PAGE_SIZE, SYNC_PAGE_BYTES } from '../../protocol/limits.ts'
import type { FoundMessage, MessageSearchPage } from '../../protocol/search/entities.ts'
import type { SearchMessagesData } from '../../protocol/search/events.ts'
import type { Actor } from '../actor.ts'
import { ObjectId } from '../database/object-id.ts'
import { AppError } from '../errors.ts'
import { type Budgets, WEIGHT } from '../limits/budgets.ts'
import { FairGate } from '../limits/fair-gate.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { skipOf } from '../page.ts'
import { fitPage, presentMessage, readerOf } from '../present/present.ts'
import type { ConversationStore } from '../store/conversations.ts'
import type { MemberDoc, MessageDoc } from '../store/documents.ts'
import type { MemberStore } from '../store/members.ts'
import type { MessageStore } from '../store/messages.ts'
import { noSuchConversation } from '../store/missing.ts'
import { requireMoment } from '../text.ts'
import { NONE, type Sealer } from './blocks/sealer.ts'
import type { SearchBlockStore } from './blocks/store.ts'
import { facetTerms } from './facets.ts'
import { compareIds, decodePosition, encodePosition, type Place, type Position, START } from './position.ts'
import type { SearchedMessages, Wanted } from './store.ts'
import { hitsOf, type Query, readQuery, roughPattern } from './text/query.ts'
import { snippetOf } from './text/snippet.ts'
import { type Search, type Searched, Walk, type Walked } from './walk.ts'

/** Time that one request takes, about, ms. */
const STEP_MS = 150
/** The most bytes of a snippet with its highlights, and of a frame those for messages and snippets. */
const SNIPPET_BYTES = 1_250
const ROOM_BYTES = FRAME_OUT_BYTES - 4_096
/** Times as long that a numbered page may take: it looks at those before it too. */
const MAX_STEPS = 5
/** Messages that numbered pages reach. */
const MAX_NUMBERED = 1_000
/** Memberships of one person that a search looks at. */
const MAX_MEMBERSHIPS = 10_000
/** Searches at once, of all and of each person, and those that wait. */
const SEARCHES = { width: 2, widthEach: 1, maxWaiting: 1_000, maxWaitingEach: 10 }

/** Messages to find. */
export interface MessageSearchRequest extends SearchMessagesData {
  /** 1 is the newest; not together with `cursor`. */
  readonly page?: number
}

interface MessageSearchDeps {
  readonly store: {
    readonly searchBlocks: SearchBlockStore
    readonly conversations: ConversationStore
    readonly members: MemberStore
    readonly messages: MessageStore
    readonly searchedMessages: SearchedMessages
  }
  readonly sealer: Sealer
  readonly budgets: Budgets
  readonly requireReady: () => Promise<void>
}

/** Finding what was said, person by person in turn. */
export class MessageSearch {
  readonly #deps: MessageSearchDeps
  readonly #gate: FairGate

  constructor(deps: MessageSearchDeps) {
    this.#deps = deps
    this.#gate = new FairGate({ ...SEARCHES, requireReady: deps.requireReady })
  }

  /**
   * Messages of the actor's conversations that they may see, the newest first. The work of one request is bounded: where
   * it is not enough the page is not `complete`, and its cursor goes on.
   * @throws {AppError} `invalid`; `not_found` for who is not a member; `rate_limited`, `busy`
   */
  async find(actor: Actor, request: MessageSearchRequest): Promise<MessageSearchPage> {
    const { limit = PAGE_SIZE, page = 1, cursor } = request
    const skip = skipOf({ page, limit, max: MAX_NUMBERED, rows: 'messages' })
    if (page > 1 && cursor !== undefined) throw new AppError('invalid', 'Give one of page and cursor')
    const query = request.q === undefined ? undefined : readQuery(request.q)
    const wanted = wantedOf(actor, request, query)
    const terms = [...(query?.terms ?? []), ...facetTerms(wanted, wanted.userId)]
    if (terms.length === 0) throw new AppError('invalid', 'Give q, senderId, type, hasFile or mention')
    this.#deps.budgets.spend(actor, WEIGHT.list)
    return await this.#gate.run({ party: actor.userId }, async () => {
      const members = await this.#memberships(actor, request.conversationId)
      const position = positionOf(request)
      const search = { conversations: await this.#searched(members), wanted, query, terms }
      const deadline = performance.now() + STEP_MS * Math.min(page, MAX_STEPS)
      const walked = await new Walk(this.#deps, search, position).run(skip + limit, deadline)
      return await this.#present({ ...walked, places: walked.places.slice(skip) }, search, members)
    })
  }

  async #memberships(actor: Actor, id: string | undefined): Promise<MemberDoc[]> {
    const { members } = this.#deps.store
    const userId = new ObjectId(actor.userId)
    if (id === undefined) return await members.findByUser(userId, MAX_MEMBERSHIPS)
    const member = await members.find(new ObjectId(bareId(id)), userId)
    if (member === null) throw noSuchConversation()
    return [member]
  }

  async #searched(members: readonly MemberDoc[]): Promise<Searched[]> {
    const { searchBlocks, conversations } = this.#deps.store
    const ids = members.map(({ conversationId }) => conversationId)
    // The marks before the heads: what is sealed in between is looked at twice, and never missed.
    const marks = await searchBlocks.marks(ids)
    const heads = new Map((await conversations.messageHeads(ids)).map(head => [head._id.toHexString(), head]))
    const searched = members.flatMap(member => {
      const id = member.conversationId.toHexString()
      const head = heads.get(id)
      const view = { conversationId: member.conversationId, ...readerOf(member) }
      return head === undefined || head.seq <= view.afterSeq ? [] : [{ view, head, mark: marks.get(id) ?? NONE }]
    })
    return searched.sort((a, b) => compareIds(a.head._id, b.head._id))
  }

  async #present(walked: Walked, { wanted, query, conversations }: Search, members: readonly MemberDoc[]) {
    const { messages } = this.#deps.store
    const readers = new Map(members.map(member => [member.conversationId.toHexString(), readerOf(member)]))
    const visibleFrom = new Map(conversations.map(({ view }) => [view.conversationId.toHexString(), view.afterSeq]))
    const wantedNow = await this.#deps.store.searchedMessages.findWanted(
      walked.places.map(({ id }) => id),
      wanted
    )
    const docs = new Map(
      wantedNow
        .filter(({ conversationId, seq }) => seq > (visibleFrom.get(conversationId.toHexString()) ?? Infinity))
        .map(doc => [doc._id.toHexString(), doc])
    )
    const inOrder = walked.places.flatMap(({ id }) => docs.get(id.toHexString()) ?? [])
    const fitting = fitPage(inOrder, Math.min(SYNC_PAGE_BYTES, ROOM_BYTES - inOrder.length * SNIPPET_BYTES))
    const answeredBy = await messages.findAnswered(fitting)
    const results = fitting.flatMap(doc => {
      const message = presentMessage(doc, answeredBy(doc), readers.get(doc.conversationId.toHexString()))
      return presentFound(message, query)
    })
    const position = fitting.length < inOrder.length ? cutBehind(walked, fitting) : walked.position
    return { results, complete: !walked.isStopped, ...omitUndefined({ next: position && encodePosition(position) }) }
  }
}

/** A message with what was found in it; nothing where its text has changed meanwhile. */
function presentFound(message: FoundMessage['message'], query: Query | undefined): FoundMessage[] {
  const { text = '' } = message
  const hits = query === undefined ? [] : hitsOf(query, text)
  if (hits === undefined) return []
  const { text: snippet, highlights } = snippetOf(text, hits)
  return [{ message, snippet: { text: snippet, highlights: highlights.map(({ start, end }) => ({ start, end })) } }]
}

/** The position behind the messages that fit a page: the next one begins with the others. */
function cutBehind({ places, position }: Walked, fitting: readonly MessageDoc[]): Position {
  const last = fitting.at(-1)?._id
  const at = places.findIndex(({ id }) => last?.equals(id)) + 1
  const rest = position ?? AT_END
  const after: Place | undefined = places[at - 1]
  return { ...rest, after, found: [...places.slice(at), ...rest.found] }
}

const LAST_ID = new ObjectId('f'.repeat(24))
const FIRST_ID = new ObjectId('0'.repeat(24))
/** Nothing is left to look at. */
const AT_END: Position = {
  ...START,
  looked: LAST_ID,
  block: { at: new Date(0), conversationId: LAST_ID, span: 0 }
}

function positionOf({ cursor, before }: SearchMessagesData): Position {
  if (cursor !== undefined) return decodePosition(cursor)
  if (before === undefined) return START
  return { ...START, after: { at: requireMoment('before', before), id: FIRST_ID } }
}

function wantedOf(actor: Actor, request: SearchMessagesData, query: Query | undefined): Wanted {
  const { after, senderId, type, hasFile, mention } = request
  return {
    userId: new ObjectId(actor.userId),
    since: after === undefined ? undefined : requireMoment('after', after),
    // Most texts that lack a word need not leave the database.
    text: query && (roughPattern(query) ?? true),
    ...omitUndefined({ senderId, type, hasFile, mention })
  }
}
