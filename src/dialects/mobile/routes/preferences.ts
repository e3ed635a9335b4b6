import { Type } from '@sinclair/typebox'
import type { Membership } from '../../../../protocol/conversations/entities.ts'
import { bareId, ConversationId } from '../../../../protocol/ids.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'

const params = Type.Object({ id: ConversationId })
const flag = Type.Optional(Type.Boolean())

/** Document 0, "Conversation Management": how one participant keeps a conversation. Without a flag it turns over. */
export function preferenceRoutes({ preferences }: Services): DialectRoute[] {
  return [
    dialectRoute(
      'PUT /conversations/:id/mute',
      {
        summary: 'Mute or unmute',
        answer: answers.Keeping,
        params,
        body: Type.Object({ isMuted: flag, until: Type.Optional(Type.String({ maxLength: 40 })) })
      },
      async ({ actor, params: { id }, body: { isMuted, until } }) => {
        // A time alone says that it is to be muted until then.
        const wanted = isMuted ?? (typeof until === 'string' ? true : undefined)
        const muted = wanted ?? !kept(await preferences.get(actor, id)).isMuted
        const after = await preferences.set(actor, id, { muted, ...omitUndefined({ mutedUntil: until }) })
        return answer({ conversationId: bareId(id), ...kept(after) }, muted ? 'Muted' : 'Unmuted')
      }
    ),
    dialectRoute(
      'PUT /conversations/:id/pin',
      { summary: 'Pin or unpin', answer: answers.Keeping, params, body: Type.Object({ isPinned: flag }) },
      async ({ actor, params: { id }, body: { isPinned } }) => {
        const pinned = isPinned ?? !kept(await preferences.get(actor, id)).isPinned
        const after = await preferences.set(actor, id, { pinned })
        return answer({ conversationId: bareId(id), ...kept(after) }, pinned ? 'Pinned' : 'Unpinned')
      }
    ),
    dialectRoute(
      'PUT /conversations/:id/archive',
      { summary: 'Archive or bring back', answer: answers.Keeping, params, body: Type.Object({ isArchived: flag }) },
      async ({ actor, params: { id }, body: { isArchived } }) => {
        const archived = isArchived ?? !kept(await preferences.get(actor, id)).isArchived
        const after = await preferences.set(actor, id, { archived })
        return answer({ conversationId: bareId(id), ...kept(after) }, archived ? 'Archived' : 'Brought back')
      }
    ),
    dialectRoute(
      'DELETE /conversations/:id/messages',
      { summary: 'Clear the chat, for you alone', answer: answers.ConversationRef, params },
      async ({ actor, params: { id } }) => {
        await preferences.clear(actor, id)
        return answer({ conversationId: bareId(id) }, 'Chat cleared')
      }
    )
  ]
}

function kept({ preferences }: Membership) {
  const { muted = false, mutedUntil, pinned = false, archived = false } = preferences ?? {}
  return { isMuted: muted, mutedUntil: mutedUntil ?? null, isPinned: pinned, isArchived: archived }
}
