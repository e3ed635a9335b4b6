import type { Command, Created, Event } from './envelope.ts'
import * as conversationEvents from './events/conversation.ts'
import * as liveEvents from './events/live.ts'
import * as messageEvents from './events/message.ts'
import * as peopleEvents from './events/people.ts'
import * as sessionEvents from './events/session.ts'
import type * as streamEvents from './events/stream.ts'
import * as authRoutes from './routes/auth.ts'
import * as conversationRoutes from './routes/conversations.ts'
import * as messageRoutes from './routes/messages.ts'
import * as otpRoutes from './routes/otp.ts'
import * as peopleRoutes from './routes/people.ts'
import * as qrRoutes from './routes/qr.ts'
import type { Route } from './routes/route.ts'
import * as userRoutes from './routes/users.ts'

const declarations = { ...sessionEvents, ...messageEvents, ...conversationEvents, ...liveEvents, ...peopleEvents }
const declared: unknown[] = Object.values(declarations)

type Declarations = typeof declarations & typeof streamEvents
type Declared = Declarations[keyof Declarations]

/** A change of a conversation, with its data. */
export type ConversationEvent = Created<Extract<Declared, { stream: 'conversation' | 'either' }>>
/** A change of what belongs to one person. */
export type UserEvent = Created<Extract<Declared, { stream: 'user' | 'either' }>>
/** An event that may be lost. */
export type EphemeralEvent = Created<Extract<Declared, { stream: 'none' }>>
/** Any event that the server sends. */
export type AnyEvent = ConversationEvent | UserEvent | EphemeralEvent
export type EventType = AnyEvent['type']
/** The data of each event, by its type. */
export type EventData = { [Type in EventType]: Extract<AnyEvent, { type: Type }>['data'] }

const hasKey = <K extends string>(value: unknown, key: K): value is Record<K, unknown> =>
  typeof value === 'object' && value !== null && key in value

/** Every command that a client may say. */
export const commands = declared.filter((it): it is Command => hasKey(it, 'reply'))
/** Every event that the server may send. */
export const events = declared.filter((it): it is Event => hasKey(it, 'isDurable'))
/** Every route under `/v1`. */
export const routes = (
  Object.values({
    ...authRoutes,
    ...otpRoutes,
    ...qrRoutes,
    ...userRoutes,
    ...conversationRoutes,
    ...messageRoutes,
    ...peopleRoutes
  }) as unknown[]
).filter((it): it is Route => hasKey(it, 'method'))
