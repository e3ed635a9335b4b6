import type { Static } from '@sinclair/typebox'
import type { Command } from '../../protocol/envelope.ts'
import type { Actor } from '../actor.ts'

/** A command of the contract with its handler, as a face runs it. */
export interface BoundCommand<Context = { readonly actor: Actor }> {
  readonly command: Command
  /** Converts data before they are checked, for clients that write them otherwise. */
  readonly read?: (data: unknown) => unknown
  handle(context: Context, data: unknown): Promise<unknown>
}

/** Binds a command of the contract to a call of its subject; what that answers is the reply. */
export function on<C extends Command, Context = { readonly actor: Actor }>(
  command: C,
  handle: (context: Context, data: Static<C['data']>) => Promise<Static<C['reply']>>
): BoundCommand<Context> {
  return { command, handle: handle as BoundCommand<Context>['handle'] }
}
