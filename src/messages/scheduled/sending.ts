import { ERRORS } from '../../../protocol/errors.ts'
import { bareId } from '../../../protocol/ids.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { WorkKind } from '../../jobs/index.ts'
import type { UserService } from '../../users/index.ts'
import type { MessageService } from '../messages.ts'
import type { ChangeScheduled } from './changes.ts'
import { SENDING } from './scheduled.ts'
import type { ScheduledDoc, ScheduledStore } from './store.ts'

interface SendingDeps {
  readonly store: { readonly scheduled: ScheduledStore }
  readonly users: Pick<UserService, 'requireEnabled'>
  readonly messages: Pick<MessageService, 'send'>
  readonly changeScheduled: ChangeScheduled
}

type Outcome = Parameters<ScheduledStore['finish']>[1]

/**
 * The work that sends scheduled messages. It may be done twice: the message has a `clientId` of its own, so that it is
 * sent once.
 */
export function createSending({ store, users, messages, changeScheduled }: SendingDeps): WorkKind {
  const send = async ({ _id, userId, conversationId, content = {} }: ScheduledDoc): Promise<Outcome> => {
    const actor = { userId: userId.toHexString(), expiresAt: Number.POSITIVE_INFINITY }
    const place = { conversationId: conversationId.toHexString(), clientId: `scheduled:${_id.toHexString()}` }
    try {
      await users.requireEnabled(actor.userId)
      const { sent } = await messages.send(actor, { ...place, ...content }, { isPaced: false })
      return { messageId: new ObjectId(bareId(sent.id)) }
    } catch (error) {
      return { refusal: refusalOf(error) }
    }
  }
  return {
    kind: SENDING,
    run: async ({ key }) => {
      const [id = '', version = ''] = key.split('.')
      const doc = await store.scheduled.begin(new ObjectId(id), Number(version))
      if (doc === null) return
      const outcome = await send(doc)
      await changeScheduled(doc, async session => await store.scheduled.finish(doc._id, outcome, session))
    }
  }
}

/** Refusal that is kept as the outcome. @throws what may be otherwise in a while: it is tried again */
function refusalOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof AppError)) throw error
  const { code, message } = error
  // Too many chats begun in a day, which is over too late to be waited for.
  if (ERRORS[code].retry === 'later' && code !== 'rate_limited') throw error
  return { code, message }
}
