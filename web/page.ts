import type { SignedIn } from '../protocol/accounts/entities.ts'
import type { ConversationView } from '../protocol/conversations/entities.ts'
import { call, signIn } from './account.ts'
import { find, Pane } from './pane.ts'
import { Talker } from './talker.ts'

// Two people who are made on this page talk over two connections.
const start = find(document, '#start', HTMLButtonElement)
const problem = find(document, '#problem', HTMLElement)

start.addEventListener('click', async () => {
  start.disabled = true
  problem.textContent = ''
  try {
    await talk(await signIn('Ada'), await signIn('Bob'))
    start.hidden = true
  } catch (error) {
    start.disabled = false
    tell(error)
  }
})

async function talk(ada: SignedIn, bob: SignedIn): Promise<void> {
  const { id } = await call<ConversationView>(ada.accessToken, '/v1/conversations', {
    type: 'direct',
    userId: bob.user.id
  })
  const panes = [seat(ada, bob, id), seat(bob, ada, id)]
  find(document, '#panes', HTMLElement).append(...panes.map(({ element }) => element))
  panes[0]?.element.querySelector('input')?.focus()
}

/** Sits somebody down in a pane of their own, and connects them. */
function seat(own: SignedIn, { user: other }: SignedIn, conversationId: string): Pane {
  const { id: userId, displayName: name } = own.user
  const pane = new Pane({ userId, name, other: other.displayName, tell })
  const talker = new Talker(own, conversationId, pane)
  pane.attach(talker)
  void talker.goOnline()
  return pane
}

function tell(error: unknown): void {
  problem.textContent = error === undefined ? '' : error instanceof Error ? error.message : String(error)
}
