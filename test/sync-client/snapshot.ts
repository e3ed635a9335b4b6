import type { Conversation, ConversationView, Member } from '../../protocol/conversations/entities.ts'
import type { MemberPage } from '../../protocol/conversations/routes.ts'
import type { Message } from '../../protocol/messages/entities.ts'
import type { HistoryPage } from '../../protocol/messages/events.ts'
import { Refusal } from '../socket-client.ts'
import type { StoredConversation } from './store.ts'

/** Reads a path of the REST API as the person of the client. @throws {Refusal | TypeError} */
export type Get = <T>(path: string) => Promise<T>

/** The REST API at `http://host:port`, for who has the token. */
export function restOf(url: string, token: string): Get {
  return async <T>(path: string) => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    const body = (await response.json()) as T & { code: string }
    if (!response.ok) throw new Refusal({ code: body.code, retry: response.status >= 500 ? 'later' : 'no' })
    return body
  }
}

/** Load a whole conversation, and the `rev` up to which that is certain: the head before the first page. */
export async function loadConversation(get: Get, id: string): Promise<StoredConversation & { rev: number }> {
  const { messages, rev } = await allMessages(get, id)
  const members = await allMembers(get, id)
  const conversation = sharedPart(await get<ConversationView>(`/v1/conversations/${id}`))
  return { conversation, members, messages, rev }
}

async function allMessages(get: Get, id: string): Promise<{ messages: Record<string, Message>; rev: number }> {
  const messages: Record<string, Message> = {}
  const path = `/v1/conversations/${id}/messages?limit=100`
  let page = await get<HistoryPage>(path)
  const { rev } = page
  for (;;) {
    for (const message of page.messages) messages[message.id] = message
    if (!page.more) return { messages, rev }
    page = await get<HistoryPage>(`${path}&before=${page.messages[0]?.seq}`)
  }
}

async function allMembers(get: Get, id: string): Promise<Record<string, Member>> {
  const members: Record<string, Member> = {}
  const path = `/v1/conversations/${id}/members?limit=100`
  for (let page = await get<MemberPage>(path); ; page = await get<MemberPage>(`${path}&after=${page.next}`)) {
    for (const member of page.members) members[member.userId] = member
    if (page.next === undefined) return members
  }
}

/** Of a view, what is the same for every member. */
function sharedPart(view: ConversationView): Conversation {
  const { id, type, rev, name, description, avatarUrl, settings, createdAt } = view
  return {
    ...{ id, type, rev, createdAt },
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(avatarUrl === undefined ? {} : { avatarUrl }),
    ...(settings === undefined ? {} : { settings })
  }
}
