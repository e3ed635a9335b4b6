import { ERRORS } from '../../../protocol/errors.ts'
import { bareId } from '../../../protocol/ids.ts'
import { ScheduledUpdated } from '../../../protocol/messages/scheduled/events.ts'
import type { Bus } from '../../bus/bus.ts'
import { ObjectId } from '../../database/object-id.ts'
import { AppError } from '../../errors.ts'
import type { WorkKind } from '../../jobs/index.ts'
import type { FairGate } from '../../limits/fair-gate.ts'
import type { AccountStore } from '../../streams/store.ts'
import type { UserService } from '../../users/index.ts'
import type { MessageService } from '../messages.ts'
import { presentScheduled } from './present.ts'
import { SENDING } from './scheduled.ts'
import type { ScheduledDoc, ScheduledStore } from './store.ts'

interface SendingDeps {
  readonly store: { readonly accounts: AccountStore; readonly scheduled: ScheduledStore }
  readonly bus: Bus
  readonly users: Pick<UserService, 'requireEnabled'>
  readonly messages: Pick<MessageService, 'send'>
  readonly ownGate: FairGate
}

type Outcome = Parameters<ScheduledStore['finish']>[1]

/**
 * The work that sends scheduled messages. It may be done twice: the message has a `clientId` of its own, so that it is
 * sent once.
 */
export function createSending({ store, bus, users, messages, ownGate }: SendingDeps): WorkKind {
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
  const finish = async ({ _id, userId }: ScheduledDoc, outcome: Outcome): Promise<void> => {
    let after: ScheduledDoc | null = null
    const party = userId.toHexString()
    const writing = async () =>
      await store.accounts.changeIf(userId, 'scheduled', _id, async session => {
        after = await store.scheduled.finish(_id, outcome, session)
        return after !== null
      })
    const rev = await ownGate.run({ party }, writing)
    if (rev === undefined || after === null) return
    bus.publish('user', { userId: party, rev, event: ScheduledUpdated.create(presentScheduled(after)) })
  }
  return {
    kind: SENDING,
    run: async ({ key }) => {
      const [id = '', version = ''] = key.split('.')
      const doc = await store.scheduled.begin(new ObjectId(id), Number(version))
      if (doc !== null) await finish(doc, await send(doc))
    }
  }
}

/** Refusal that is kept as the outcome. @throws what may be otherwise in a while: it is tried again */
function refusalOf(error: unknown): { code: string; message: string } {
  if (!(error instanceof AppError)) throw error
  const { code, message } = error
  // The sends of a day that it would be one too many of are the person's, as with a send by hand.
  if (ERRORS[code].retry === 'later' && code !== 'rate_limited') throw error
  return { code, message }
}
