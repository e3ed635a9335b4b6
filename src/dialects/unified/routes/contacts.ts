import { type Static, Type } from '@sinclair/typebox'
import { Phone } from '../../../../protocol/accounts/routes.ts'
import { UserId } from '../../../../protocol/ids.ts'
import { SyncContacts } from '../../../../protocol/users/routes.ts'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answers.ts'
import { presentConversations } from '../present/conversation.ts'
import { presentUsers } from '../present/people.ts'

/** An address book of thousands of people. */
const ADDRESS_BOOK_BYTES = 1_048_576
const NAME_LENGTH = 128
const { maxItems } = SyncContacts.schema.body.properties.contacts
const EntryPhone = Type.String({ minLength: 1, maxLength: 64 })
const Entry = Type.Union([EntryPhone, Type.Object({ phone: EntryPhone, name: Type.Optional(Type.String()) })])

/** Document 1, contacts. */
export function contactRoutes(services: Services): DialectRoute[] {
  const { contacts, conversations } = services
  return [
    dialectRoute(
      'POST /contacts/start-chat',
      {
        summary: 'Open the chat with somebody, by id or number',
        answer: answers.OneConversation,
        body: Type.Object({ userId: Type.Optional(UserId), phone: Type.Optional(Phone) })
      },
      async ({ actor, body: { userId, phone } }) => {
        if (userId === undefined && phone === undefined) throw new AppError('invalid', 'Give userId or phone')
        const id = userId ?? (await contacts.lookUp(actor, phone ?? '')).id
        const { conversation } = await conversations.create(actor, { type: 'direct', userId: id })
        const [shown] = await presentConversations(services, actor, [conversation])
        return answer(shown, 'Chat started')
      }
    ),
    dialectRoute(
      'POST /contacts/sync',
      {
        summary: 'Find an address book’s people',
        answer: answers.Contacts,
        bodyLimit: ADDRESS_BOOK_BYTES,
        body: Type.Object({ contacts: Type.Array(Entry, omitUndefined({ maxItems })) })
      },
      async ({ actor, body }) => {
        const { matches, unreadable } = await contacts.sync(actor, body.contacts.map(entryOf))
        const users = await presentUsers(
          services,
          actor,
          matches.map(({ user }) => user)
        )
        const found = matches.map(({ phone, name }, index) => ({ ...users[index], phone, contactName: name ?? null }))
        const unread = unreadable === 0 ? '' : `, and ${unreadable} could not be read`
        return answer(found, `${found.length} of ${body.contacts.length} are here${unread}`)
      }
    )
  ]
}

/** Names are as people write them: what does not fit is cut, what cannot be shown is left away. */
function entryOf(entry: Static<typeof Entry>) {
  if (typeof entry === 'string') return entry
  const name = entry.name
    ?.replace(/\p{Cc}/gu, '')
    .trim()
    .slice(0, NAME_LENGTH)
  return { phone: entry.phone, ...omitUndefined({ name }) }
}
