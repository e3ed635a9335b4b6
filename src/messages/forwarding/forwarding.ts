import type { Forward } from '../../../protocol/forwarding/events.ts'
import { bareId } from '../../../protocol/ids.ts'
import { MAX_FORWARD_TARGETS, MAX_FORWARDED } from '../../../protocol/limits.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import { conversationId } from '../../ids.ts'
import { TokenBuckets } from '../../limits/token-buckets.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { FirstSend } from '../../store/commit/change.ts'
import type { FilesPort } from '../attaching.ts'
import type { Sending, SendResult } from '../sending.ts'
import { presentSent, requireSame } from '../sent.ts'
import type { Source, Sources } from './sources.ts'
import type { FirstSendStore } from './store.ts'

/** As many as one command can send. */
const MOST_AT_ONCE = MAX_FORWARDED * MAX_FORWARD_TARGETS

interface ForwardingDeps {
  readonly store: { readonly firstSends: FirstSendStore }
  readonly files: FilesPort
  readonly config: Pick<Config, 'limits'>
  readonly sending: Sending
  readonly sources: Sources
}

/** Conversation into which messages were forwarded. */
export interface ForwardTarget {
  readonly conversationId: string
  /** Messages that are there now. */
  readonly messages: readonly (SendResult & { readonly clientId: string })[]
  /** Reason why the others are not; the first of several. */
  readonly error?: AppError
}

/** Sends of one person that were committed before, by conversation and `clientId`. */
type FirstSends = ReadonlyMap<string, FirstSend>

/** Forwarding: messages that somebody sees, sent again into other conversations with their origin. */
export class ForwardingService {
  readonly #firstSends: FirstSendStore
  readonly #files: FilesPort
  readonly #sending: Sending
  readonly #sources: Sources
  readonly #sends: TokenBuckets

  constructor({ store, files, config, sending, sources }: ForwardingDeps) {
    this.#files = files
    this.#firstSends = store.firstSends
    this.#sending = sending
    this.#sources = sources
    // A bucket of its own: forwarding much at once keeps nobody from writing.
    this.#sends = new TokenBuckets({ perSecond: config.limits.sendsPerSecond, burst: MOST_AT_ONCE })
  }

  /**
   * Forwards messages into conversations, in their order; a repeat answers those that are there and sends the others.
   * What cannot be put into one conversation is told there, and the others get theirs.
   * @throws {AppError} where nothing is there then: `not_found` and `gone` for a message that cannot be forwarded, and
   * the refusal of the first conversation; `invalid` for one `clientId` of two messages, `rate_limited`
   */
  async forward(actor: Actor, { messages, to }: Forward): Promise<ForwardTarget[]> {
    const ids = [...new Set(to.map(bareId))]
    if (new Set(messages.map(({ clientId }) => clientId)).size < messages.length) {
      throw new AppError('invalid', 'Each message needs a clientId of its own')
    }
    const amount = messages.length * ids.length
    this.#sends.takeOrSpread(actor.userId, 'You are forwarding too fast', { amount, next: amount })
    const sources = await this.#sources.find(actor, messages)
    await this.#holdFiles(actor, sources)
    const firsts = await this.#firstsOf(actor, sources, ids)
    const targets = await Promise.all(ids.map(async id => await this.#forwardTo(actor, id, { sources, firsts })))
    if (targets.every(it => it.messages.length === 0)) throw targets[0]?.error
    return targets
  }

  /** Files of the messages stay until the new ones are there, whatever becomes of the old ones. */
  async #holdFiles(actor: Actor, sources: readonly Source[]): Promise<void> {
    const attachments = sources.flatMap(({ outcome }) => {
      if (outcome instanceof AppError) return []
      const { attachments: own = [], preview } = outcome.content.fields
      return preview?.picture ? [...own, { type: 'image' as const, fileId: preview.picture.fileId }] : own
    })
    const kept = attachments.filter(({ fileId }) => fileId !== undefined)
    if (kept.length > 0) await this.#files.attach(actor, kept)
  }

  /**
   * What was sent before of the messages that cannot be forwarded now.
   * @throws {AppError} the refusal of the first of these, where none of them was
   */
  async #firstsOf(actor: Actor, sources: readonly Source[], ids: readonly string[]): Promise<FirstSends> {
    const refused = sources.filter(({ outcome }) => outcome instanceof AppError)
    const sends = ids.flatMap(id => refused.map(({ clientId }) => ({ conversationId: new ObjectId(id), clientId })))
    const found = await this.#firstSends.find(new ObjectId(actor.userId), sends)
    if (refused.length > 0 && found.length === 0) throw refused[0]?.outcome
    return new Map(found.map(first => [keyOf(first.conversationId.toHexString(), first.clientId), first]))
  }

  async #forwardTo(
    actor: Actor,
    id: string,
    { sources, firsts }: { sources: readonly Source[]; firsts: FirstSends }
  ): Promise<ForwardTarget> {
    // All of them at once, so that they are committed together.
    const outcomes = await Promise.allSettled(
      sources.map(async ({ clientId, bodyHash, outcome }) => {
        if (!(outcome instanceof AppError)) {
          return { clientId, ...(await this.#sending.send(actor, { conversationId: id, clientId, ...outcome })) }
        }
        const first = firsts.get(keyOf(id, clientId))
        if (first === undefined) throw outcome
        return { clientId, sent: presentSent(requireSame(first, bodyHash), true) }
      })
    )
    const messages = outcomes.flatMap(it => (it.status === 'fulfilled' ? [it.value] : []))
    const errors = outcomes.flatMap(it => (it.status === 'rejected' ? [requireExpected(it.reason)] : []))
    return { conversationId: conversationId(new ObjectId(id)), messages, ...omitUndefined({ error: errors[0] }) }
  }
}

/** The error, thrown on purpose. @throws any other */
function requireExpected(error: unknown): AppError {
  if (error instanceof AppError) return error
  throw error
}

function keyOf(id: string, clientId: string): string {
  return `${id}:${clientId}`
}
