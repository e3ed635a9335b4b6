import { type Static, type TSchema, Type } from '@sinclair/typebox'
import type { Command } from '../../../protocol/envelope.ts'
import type { Actor } from '../../actor.ts'
import { on } from '../../contract/command.ts'
import { type CommandContext, Dispatcher } from '../../realtime/commands/dispatcher.ts'
import { orNulls, withoutNulls } from './nulls.ts'

/** Declares what a client may say: its name, its data, and what is done; the answer acknowledges it. */
export type On = <S extends TSchema>(
  name: string,
  data: S,
  handle: (actor: Actor, data: Static<S>, context: CommandContext) => Promise<unknown>,
  options?: Partial<Pick<Command, 'isDroppable'>>
) => void

/** The table of commands of one vocabulary. */
export function createCommands(declare: (on: On) => void): Dispatcher {
  const dispatcher = new Dispatcher()
  declare((name, data, handle, { isDroppable = false } = {}) => {
    const command = {
      type: name,
      description: name,
      data: orNulls(data),
      reply: Type.Unknown(),
      isSilent: true,
      isDroppable
    }
    const bound = on<typeof command, CommandContext>(
      command,
      async (context, given) => await handle(context.actor, given as never, context)
    )
    dispatcher.add([{ ...bound, read: said => withoutNulls(data, said ?? {}) }])
  })
  return dispatcher
}
