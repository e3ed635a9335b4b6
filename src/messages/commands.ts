import { HistoryGet, MessageDelete, MessageEdit, MessageSend } from '../../protocol/messages/events.ts'
import { type BoundCommand, on } from '../contract/command.ts'
import { presentChanged } from '../present/changed.ts'
import { draftCommands } from './drafts/commands.ts'
import type { DraftService } from './drafts/drafts.ts'
import { expiryCommands } from './expiring/commands.ts'
import type { ExpiryService } from './expiring/expiry.ts'
import { forwardingCommands } from './forwarding/commands.ts'
import type { ForwardingService } from './forwarding/forwarding.ts'
import type { HistoryService } from './history.ts'
import type { MessageService } from './messages.ts'
import { pinCommands } from './pins/commands.ts'
import type { PinService } from './pins/pins.ts'
import { reactionCommands } from './reactions/commands.ts'
import type { ReactionService } from './reactions/reactions.ts'
import { scheduledCommands } from './scheduled/commands.ts'
import type { ScheduledService } from './scheduled/scheduled.ts'
import { starCommands } from './stars/commands.ts'
import type { StarService } from './stars/stars.ts'

/** Services of messages that commands and routes call. */
export interface MessageCommandDeps {
  readonly history: HistoryService
  readonly messages: MessageService
  readonly drafts: DraftService
  readonly expiry: ExpiryService
  readonly scheduled: ScheduledService
  readonly forwarding: ForwardingService
  readonly pins: PinService
  readonly reactions: ReactionService
  readonly stars: StarService
}

/** Commands of messages and history, of what is sent later or goes by itself, of forwarding, pins and stars. */
export function messageCommands(deps: MessageCommandDeps): BoundCommand[] {
  const { history, messages } = deps
  return [
    on(MessageSend, async ({ actor }, data) => (await messages.send(actor, data)).sent),
    on(MessageEdit, async ({ actor }, data) => presentChanged(await messages.edit(actor, data))),
    on(MessageDelete, async ({ actor }, { scope, ...place }) =>
      scope === 'me'
        ? await messages.hide(actor, place)
        : presentChanged(await messages.deleteForEveryone(actor, place))
    ),
    on(HistoryGet, async ({ actor }, data) => await history.page(actor, data)),
    ...draftCommands(deps.drafts),
    ...scheduledCommands(deps.scheduled),
    ...expiryCommands(deps.expiry),
    ...forwardingCommands(deps.forwarding),
    ...pinCommands(deps.pins),
    ...reactionCommands(deps.reactions),
    ...starCommands(deps.stars)
  ]
}
