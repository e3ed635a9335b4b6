import { MessagePin, MessageUnpin } from '../../../protocol/pins/events.ts'
import { type BoundCommand, on } from '../../contract/command.ts'
import { presentChanged } from '../../present/changed.ts'
import type { PinService } from './pins.ts'

/** Commands of pins. */
export function pinCommands(pins: PinService): BoundCommand[] {
  return [
    on(MessagePin, async ({ actor }, data) => presentChanged(await pins.add(actor, data))),
    on(MessageUnpin, async ({ actor }, data) => presentChanged(await pins.remove(actor, data)))
  ]
}
