import * as accountEvents from './accounts/events.ts'
import * as qrRoutes from './accounts/qr-routes.ts'
import * as accountRoutes from './accounts/routes.ts'
import * as adminRoutes from './admin/routes.ts'
import * as connectionEvents from './connection/events.ts'
import type * as streamEvents from './connection/stream-events.ts'
import * as conversationEvents from './conversations/events.ts'
import * as conversationRoutes from './conversations/routes.ts'
import type { Command, Created, Event } from './envelope.ts'
import * as forwardingEvents from './forwarding/events.ts'
import * as forwardingRoutes from './forwarding/routes.ts'
import * as mediaRoutes from './media/routes.ts'
import * as draftEvents from './messages/drafts/events.ts'
import * as draftRoutes from './messages/drafts/routes.ts'
import * as messageEvents from './messages/events.ts'
import * as expiryEvents from './messages/expiring/events.ts'
import * as expiryRoutes from './messages/expiring/routes.ts'
import * as exportEvents from './messages/exports/events.ts'
import * as exportRoutes from './messages/exports/routes.ts'
import * as messageRoutes from './messages/routes.ts'
import * as scheduledEvents from './messages/scheduled/events.ts'
import * as scheduledRoutes from './messages/scheduled/routes.ts'
import * as pinEvents from './pins/events.ts'
import * as pinRoutes from './pins/routes.ts'
import * as presenceEvents from './presence/events.ts'
import * as presenceRoutes from './presence/routes.ts'
import * as reactionEvents from './reactions/events.ts'
import * as reactionRoutes from './reactions/routes.ts'
import * as requestEvents from './requests/events.ts'
import * as requestRoutes from './requests/routes.ts'
import type { Route } from './route.ts'
import * as searchEvents from './search/events.ts'
import * as searchRoutes from './search/routes.ts'
import * as starEvents from './stars/events.ts'
import * as starRoutes from './stars/routes.ts'
import * as syncEvents from './sync/events.ts'
import * as userEvents from './users/events.ts'
import * as userRoutes from './users/routes.ts'

const declarations = {
  ...connectionEvents,
  ...accountEvents,
  ...userEvents,
  ...messageEvents,
  ...draftEvents,
  ...expiryEvents,
  ...scheduledEvents,
  ...exportEvents,
  ...reactionEvents,
  ...forwardingEvents,
  ...pinEvents,
  ...starEvents,
  ...conversationEvents,
  ...presenceEvents,
  ...requestEvents,
  ...searchEvents,
  ...syncEvents
}
const declared: unknown[] = Object.values(declarations)

type Declarations = typeof declarations & typeof streamEvents
type Declared = Declarations[keyof Declarations]

/** A change of a conversation, with its data. */
export type ConversationEvent = Created<Extract<Declared, { stream: 'conversation' | 'either' }>>
/** A change of what belongs to one person. */
export type UserEvent = Created<Extract<Declared, { stream: 'user' | 'either' }>>
/** An event that may be lost. */
export type EphemeralEvent = Created<Extract<Declared, { stream: 'none' }>>
/** Events of every kind that the server sends. */
export type AnyEvent = ConversationEvent | UserEvent | EphemeralEvent
export type EventType = AnyEvent['type']
/** The data of each event, by its type. */
export type EventData = { [Type in EventType]: Extract<AnyEvent, { type: Type }>['data'] }

const hasKey = <K extends string>(value: unknown, key: K): value is Record<K, unknown> =>
  typeof value === 'object' && value !== null && key in value

/** Commands that a client may send. */
export const commands = declared.filter((it): it is Command => hasKey(it, 'reply'))
/** Events that the server may send. */
export const events = declared.filter((it): it is Event => hasKey(it, 'isDurable'))
const declaredRoutes: Readonly<Record<string, unknown>> = {
  ...accountRoutes,
  ...qrRoutes,
  ...userRoutes,
  ...presenceRoutes,
  ...requestRoutes,
  ...conversationRoutes,
  ...messageRoutes,
  ...draftRoutes,
  ...expiryRoutes,
  ...scheduledRoutes,
  ...exportRoutes,
  ...reactionRoutes,
  ...mediaRoutes,
  ...forwardingRoutes,
  ...pinRoutes,
  ...starRoutes,
  ...searchRoutes,
  ...adminRoutes
}

/** Routes under `/v1`, by the names that generated clients have for them: `SendMessage`. */
export const namedRoutes: ReadonlyMap<string, Route> = new Map(
  Object.entries(declaredRoutes).filter((it): it is [string, Route] => hasKey(it[1], 'method'))
)
/** Routes under `/v1`. */
export const routes = [...namedRoutes.values()]
