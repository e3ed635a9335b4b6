import type { Forward } from '../../../protocol/forwarding/events.ts'
import { bareId } from '../../../protocol/ids.ts'
import type { Actor } from '../../actor.ts'
import { requirePresent, requireVisible } from '../../conversations/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import { isHiddenFor } from '../../present/present.ts'
import type { MemberDoc, MessageDoc } from '../../store/documents.ts'
import type { MemberStore } from '../../store/members.ts'
import type { MessageStore } from '../../store/messages.ts'
import { noSuchMessage } from '../../store/missing.ts'
import { type Content, digest } from '../content.ts'
import { NOBODY } from '../mentions/mentions.ts'
import type { Origins } from './origins.ts'

/** A message that is to be forwarded. */
export interface Source {
  readonly clientId: string
  /** Tells a repeat from another message, whatever became of the source. */
  readonly bodyHash: string
  readonly outcome: Forwardable | AppError
}

/** Parts of a message that are carried over, and its origin as far as it may be told. */
export interface Forwardable {
  readonly content: Content
  readonly forwarded: NonNullable<MessageDoc['forwarded']>
}

interface SourceDeps {
  readonly store: { readonly members: MemberStore; readonly messages: MessageStore }
  readonly origins: Origins
}

/** Messages that somebody wants to forward, as far as they see them. */
export class Sources {
  readonly #store: SourceDeps['store']
  readonly #origins: Origins

  constructor({ store, origins }: SourceDeps) {
    this.#store = store
    this.#origins = origins
  }

  /** Each of the named messages, or why it is not forwarded: `not_found`, `gone`, `forbidden`. */
  async find(actor: Actor, named: Forward['messages']): Promise<Source[]> {
    const userId = new ObjectId(actor.userId)
    const conversationIds = [...new Set(named.map(({ conversationId }) => bareId(conversationId)))]
    const [found, mine] = await Promise.all([
      this.#store.messages.findMany(named.map(({ messageId }) => new ObjectId(bareId(messageId)))),
      this.#store.members.findByUserIn(
        userId,
        conversationIds.map(id => new ObjectId(id))
      )
    ])
    const messages = new Map(found.map(message => [message._id.toHexString(), message]))
    const members = new Map(mine.map(member => [member.conversationId.toHexString(), member]))
    const origins = await this.#origins.find(actor, found)
    return named.map(({ conversationId, messageId, clientId }) => {
      const id = bareId(messageId)
      const bodyHash = digest(undefined, id, 'forwarded')
      const message = messages.get(id)
      const outcome = seenBy(members.get(bareId(conversationId)), message)
      if (outcome instanceof AppError) return { clientId, bodyHash, outcome }
      const content = contentOf(outcome, bodyHash)
      return { clientId, bodyHash, outcome: { content, forwarded: origins.get(id) ?? {} } }
    })
  }
}

/** The message, where this member sees it and it may be forwarded; else the refusal. */
function seenBy(member: MemberDoc | undefined, message: MessageDoc | undefined): MessageDoc | AppError {
  const isHere = member !== undefined && message?.conversationId.equals(member.conversationId) === true
  if (!isHere || isHiddenFor(message, member.userId)) return noSuchMessage()
  try {
    requireVisible(member, message)
    requirePresent(message)
  } catch (error) {
    if (error instanceof AppError) return error
    throw error
  }
  if (message.type === 'system' || message.type === 'call') {
    return new AppError('forbidden', 'What the server records is not forwarded')
  }
  return message
}

/** Content as it is, without those whom it mentions: nobody is called into another conversation. */
function contentOf(message: MessageDoc, bodyHash: string): Content {
  const { type, text, attachments, location, contact, encryptedContent, metadata, preview, noPreview } = message
  const rest = { attachments, location, contact, encryptedContent, metadata, preview, noPreview }
  const fields = { type, ...omitUndefined({ text, ...rest }) }
  return { fields, mentions: NOBODY, bytes: JSON.stringify(fields).length * 3 + 512, bodyHash }
}
