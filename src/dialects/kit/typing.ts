import type { Actor } from '../../actor.ts'
import { AppError } from '../../errors.ts'
import type { Services } from './services.ts'

/** Says that somebody is typing. Apps say it with every key; what comes too soon counts as said. */
export async function startTyping(
  { typing }: Pick<Services, 'typing'>,
  actor: Actor,
  conversationId: string
): Promise<void> {
  await typing.start(actor, conversationId).catch((error: unknown) => {
    if (!(error instanceof AppError && error.code === 'rate_limited')) throw error
  })
}
