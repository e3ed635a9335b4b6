import { type Static, Type } from '@sinclair/typebox'
import { command } from '../envelope.ts'
import { ConversationId, MessageId } from '../ids.ts'
import { MAX_FORWARD_TARGETS, MAX_FORWARDED } from '../limits.ts'
import { ClientId } from '../messages/entities.ts'
import { Sent } from '../messages/events.ts'
import { closed, oneOf, withExamples } from '../schema.ts'

/** Messages to forward, in their order, and the conversations that they go into. */
export const Forward = withExamples(
  closed({
    messages: Type.Array(
      closed({
        conversationId: ConversationId,
        messageId: MessageId,
        clientId: { ...ClientId, description: 'Of the new message, the same in each conversation.' }
      }),
      { minItems: 1, maxItems: MAX_FORWARDED }
    ),
    to: Type.Array(ConversationId, { minItems: 1, maxItems: MAX_FORWARD_TARGETS, uniqueItems: true })
  }),
  {
    messages: [
      {
        conversationId: 'conv_64b7f0c2a1d3e4f5a6b7c8d9',
        messageId: 'msg_64b7f0c2a1d3e4f5a6b7c8d9',
        clientId: 'first'
      }
    ],
    to: ['conv_64b7f0c2a1d3e4f5a6b7c8e0']
  }
)
export type Forward = Static<typeof Forward>

/** Messages that are in one conversation now; `error` where some of them, or all, could not be put there. */
const ForwardedTo = closed({
  conversationId: ConversationId,
  sent: Type.Array(closed({ clientId: ClientId, ...Sent.properties }), { maxItems: MAX_FORWARDED }),
  error: Type.Optional(
    closed(
      {
        code: Type.String(),
        message: Type.String(),
        retry: oneOf('no', 'auth', 'later'),
        retryAfterMs: Type.Optional(Type.Integer({ minimum: 0 }))
      },
      'Why the others are not; the first of several reasons.'
    )
  )
})

/** Outcome of forwarding, conversation by conversation. */
export const Forwarded = closed({ to: Type.Array(ForwardedTo, { maxItems: MAX_FORWARD_TARGETS }) })
export type Forwarded = Static<typeof Forwarded>

export const MessageForward = command('message:forward', {
  description: 'Forwards messages into conversations; a repeat answers those that are there already.',
  data: Forward,
  reply: Forwarded
})
