import { Type } from '@sinclair/typebox'
import type { DialectName } from '../../config/config.ts'
import { ignoreMissing } from '../kit/missing.ts'
import { renamed } from './parameters.ts'
import type { Shared, Sharing } from './sharing.ts'

type Choose = (sharing: readonly Sharing[]) => Shared

/** Routes where the request tells which of the documents is meant, by method and path. */
export const CHOOSERS: Readonly<Record<string, Choose>> = {
  'GET /api/messages/:': chooseMessages,
  'DELETE /conversations/:': onlyBy('unified')
}

const params = Type.Object({ id: Type.String({ pattern: '^(conv_|user_)?[0-9a-f]{24}$', maxLength: 29 }) })

/** The messages of a conversation, in one document, or those with a person, in the other; the id tells. */
function chooseMessages(sharing: readonly Sharing[]): Shared {
  const ofConversation = find(sharing, 'chatapp')
  const withPerson = find(sharing, 'reals2chat')
  const { route } = ofConversation
  return {
    presentError: withPerson.dialect.presentError,
    route: {
      ...route,
      schema: { ...route.schema, params },
      handle: async (call, reply) => {
        const { id } = call.params as { id: string }
        const ask = async ({ route: { url, handle } }: Sharing) =>
          await handle({ ...call, params: renamed({ id }, '/:id', url) }, reply)
        if (id.startsWith('conv_')) return await ask(ofConversation)
        if (id.startsWith('user_')) return await ask(withPerson)
        return (await ask(ofConversation).catch(ignoreMissing)) ?? (await ask(withPerson))
      }
    }
  }
}

/** Answered by one of them, whose bodies have all that the others’ have. */
function onlyBy(name: DialectName): Choose {
  return sharing => {
    const { dialect, route } = find(sharing, name)
    return { presentError: dialect.presentError, route }
  }
}

function find(sharing: readonly Sharing[], name: string): Sharing {
  const found = sharing.find(({ dialect }) => dialect.name === name)
  if (found === undefined) throw new Error(`${name} has no such route`)
  return found
}
