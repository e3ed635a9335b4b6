import { ObjectId } from 'mongodb'
import type { ConversationEvent, UserEvent } from '../../../protocol/index.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { ConversationDoc, MemberDoc, MessageDoc } from '../documents.ts'
import { fileOfPicture } from '../pictures.ts'
import { messageAt } from '../tombstones.ts'

/** A conversation as the commit path knows it: its head and shared fields, and its present members by user id. */
export interface ConversationState {
  readonly doc: Readonly<ConversationDoc>
  readonly members: ReadonlyMap<string, Readonly<MemberDoc>>
}

/** An event that a change causes on the conversation's stream. */
export interface DraftEvent {
  readonly rev: number
  /** Made once, after the commit. */
  readonly create: () => ConversationEvent
  /** The message that it is about; members who joined after it do not see it. */
  readonly seq?: number
  /** The answered message that it shows; members who joined after that do not see it. */
  readonly quotedSeq?: number
  readonly joined?: readonly Joined[]
  readonly left?: readonly string[]
}

/** A person who is a member from this change on, and the `seq` after which they see messages. */
export interface Joined {
  /** 24 hexadecimal digits. */
  readonly userId: string
  readonly joinedSeq: number
}

/** People whose membership changed, and what their own streams say of it. */
export interface AccountNews {
  readonly userIds: readonly ObjectId[]
  /** @param state the conversation after the commit */
  readonly create: (userId: string, state: ConversationState) => UserEvent
}

/** Fields that all members share and the commit may change. */
type SharedFields = Pick<
  ConversationDoc,
  | 'name'
  | 'description'
  | 'avatarUrl'
  | 'settings'
  | 'expireAfterSeconds'
  | 'status'
  | 'assignedAdminId'
  | 'relatedEntity'
>

/** Time that messages may be ahead of the clock, ms, so that each of many at once has a time of its own. */
const MAX_AHEAD_MS = 1_000

/** Fields given with a new message; the rest is its position. */
export type NewMessage = Omit<MessageDoc, '_id' | 'conversationId' | 'seq' | 'rev' | 'createdRev' | 'createdAt'>

/** Operations of a change on one conversation; the n changes of a batch work on one draft, one after the other. */
export class Draft {
  readonly #base: ConversationState
  #doc: ConversationDoc
  #members: Map<string, MemberDoc> | undefined
  readonly #loaded: ReadonlyMap<string, MessageDoc>
  /** Time of the change, by the database's clock. */
  readonly now: Date
  readonly newMessages: MessageDoc[] = []
  readonly changedMessages = new Map<string, MessageDoc>()
  /** Files that messages or the conversation had before a change, and have no more. */
  readonly releasedFiles: ObjectId[] = []
  readonly changedMembers = new Map<string, MemberDoc>()
  readonly events: DraftEvent[] = []
  readonly accountNews: AccountNews[] = []

  constructor(base: ConversationState, loaded: ReadonlyMap<string, MessageDoc>, now: Date) {
    this.now = now
    this.#base = base
    this.#doc = { ...base.doc }
    this.#loaded = loaded
  }

  /** The conversation with everything that this batch has changed so far. */
  get state(): ConversationState {
    return { doc: this.#doc, members: this.#members ?? this.#base.members }
  }

  /** The head that the database must still have. */
  get expectedRev(): number {
    return this.#base.doc.rev
  }

  get isChanged(): boolean {
    return this.#doc.rev !== this.#base.doc.rev
  }

  /** The message a change asked for, as it is now; absent when it is not in this conversation. */
  message(id: ObjectId): Readonly<MessageDoc> | undefined {
    const message = this.#stored(id)
    return message?.conversationId.equals(this.#doc._id) ? messageAt(message, this.now.getTime()) : undefined
  }

  /** The message that a reply answers; absent where the change did not ask for it. */
  answeredBy({ replyTo }: Readonly<MessageDoc>): Readonly<MessageDoc> | undefined {
    return replyTo && this.message(replyTo.messageId)
  }

  /** Adds a message at the end. */
  append(fields: NewMessage): MessageDoc {
    const rev = this.#nextRev()
    const { seq, lastActivityAt, saidSeq = seq, saidAt = lastActivityAt } = this.#doc
    const at = timeAfter(lastActivityAt, this.now)
    // What the server notes by itself is nothing that somebody said.
    const said = fields.type === 'system' ? { saidSeq, saidAt } : { saidSeq: seq + 1, saidAt: at }
    Object.assign(this.#doc, { seq: seq + 1, lastActivityAt: at, ...said })
    const message: MessageDoc = {
      _id: new ObjectId(),
      conversationId: this.#doc._id,
      seq: this.#doc.seq,
      rev,
      createdRev: rev,
      createdAt: at,
      ...fields,
      ...omitUndefined({ expiresAt: expiryOf(this.#doc, fields.type, at) })
    }
    this.newMessages.push(message)
    return message
  }

  /** Replaces a message by another state of it, pinned or not. @returns the state with its new `rev` */
  replace(message: Readonly<MessageDoc>): MessageDoc {
    // What is over has its pin and its files until it is replaced.
    const before = this.#stored(message._id)
    const wasPinned = before?.pinned !== undefined
    const isPinned = message.pinned !== undefined
    if (wasPinned !== isPinned) this.#doc.pinCount = (this.#doc.pinCount ?? 0) + (isPinned ? 1 : -1)
    const changed = { ...message, rev: this.#nextRev() }
    const kept = new Set(filesOf(changed).map(id => id.toHexString()))
    if (before !== undefined) this.releasedFiles.push(...filesOf(before).filter(id => !kept.has(id.toHexString())))
    this.#doc.changedMessageRev = changed.rev
    this.changedMessages.set(changed._id.toHexString(), changed)
    return changed
  }

  /** Changes the fields that all members share. @returns the `rev` of the change */
  update(fields: Partial<SharedFields>): number {
    if (fields.avatarUrl !== undefined && fields.avatarUrl !== this.#doc.avatarUrl) this.#releasePicture()
    Object.assign(this.#doc, fields)
    this.#doc.selfRev = this.#nextRev()
    return this.#doc.rev
  }

  /** Says who of the two of a direct conversation has blocked the other. @returns the `rev` of the change */
  setBlockedBy(blockedBy: readonly ObjectId[]): number {
    this.#doc.blockedBy = [...blockedBy]
    return this.#nextRev()
  }

  /** Changes memberships, all with one `rev`; those with `leftAt` are members no longer. @returns that `rev` */
  changeMembers(members: readonly MemberDoc[]): number {
    const rev = this.#nextRev()
    this.#doc.memberRev = rev
    this.#members ??= new Map(this.#base.members)
    for (const member of members) {
      const changed = { ...member, rev }
      const userId = member.userId.toHexString()
      this.changedMembers.set(userId, changed)
      if (changed.leftAt === undefined) this.#members.set(userId, changed)
      else this.#members.delete(userId)
    }
    this.#doc.memberCount = this.#members.size
    if (this.#members.size === 0) this.#releasePicture()
    return rev
  }

  /**
   * Emits the event of the change that was made last, to the members.
   * @param data made once, after the commit
   */
  emit<E extends ConversationEvent>(
    event: { create(data: E['data']): E },
    data: () => E['data'],
    about: Omit<DraftEvent, 'rev' | 'create'> = {}
  ): void {
    this.events.push({ ...about, create: () => event.create(data()), rev: this.#doc.rev })
  }

  #releasePicture(): void {
    this.releasedFiles.push(...[fileOfPicture(this.#doc.avatarUrl) ?? []].flat())
  }

  #stored(id: ObjectId): MessageDoc | undefined {
    const hex = id.toHexString()
    return this.changedMessages.get(hex) ?? this.#loaded.get(hex)
  }

  #nextRev(): number {
    this.#doc.rev += 1
    return this.#doc.rev
  }
}

/** Files that are kept here and that a message has, or its preview. */
function filesOf({ attachments = [], preview }: Readonly<MessageDoc>): ObjectId[] {
  return [...attachments, ...(preview?.picture ? [preview.picture] : [])].flatMap(({ fileId }) => fileId ?? [])
}

/** The end of a message that is sent now; what the server records stays. */
function expiryOf({ expireAfterSeconds = 0 }: ConversationDoc, type: MessageDoc['type'], at: Date): Date | undefined {
  if (expireAfterSeconds === 0 || type === 'system' || type === 'call') return undefined
  return new Date(at.getTime() + expireAfterSeconds * 1_000)
}

/** The time of a message: later than that of the last one, or at least not earlier. */
function timeAfter(last: Date, now: Date): Date {
  if (now > last) return now
  return last.getTime() - now.getTime() < MAX_AHEAD_MS ? new Date(last.getTime() + 1) : last
}
