import type { FastifyPluginAsync } from 'fastify'
import * as contracts from '../../protocol/routes/people.ts'
import { register } from '../faces/http/route.ts'
import type { Services } from '../services.ts'

/** An address book of 5,000 people with long names. */
const ADDRESS_BOOK_BYTES = 1_048_576

/** REST face of settings, blocks, contacts, requests and friends. */
export const peopleRoutes: FastifyPluginAsync<{ services: Services }> = async (app, { services }) => {
  const { blocks, contacts, friends, requests, settings } = services
  register(app, contracts.GetSettings, async ({ actor }) => await settings.get(actor))
  register(app, contracts.UpdateSettings, async ({ actor, body }) => await settings.update(actor, body))
  register(app, contracts.ListBlocks, async ({ actor, query }) => await blocks.list(actor, query))
  register(app, contracts.AddBlock, async ({ actor, body }) => await blocks.add(actor, body.userId))
  register(app, contracts.RemoveBlock, async ({ actor, params }) => await blocks.remove(actor, params.userId))
  const sync = contracts.SyncContacts
  register(app, sync, async ({ actor, body }) => await contacts.sync(actor, body.contacts), {
    bodyLimit: ADDRESS_BOOK_BYTES
  })
  register(app, contracts.ListContacts, async ({ actor, query }) => await contacts.list(actor, query))
  register(app, contracts.AddContact, async ({ actor, params, body }) => {
    await contacts.add(actor, params.userId, body.name)
  })
  register(app, contracts.RemoveContact, async ({ actor, params }) => await contacts.remove(actor, params.userId))
  register(app, contracts.ListFriends, async ({ actor, query }) => await friends.list(actor, query))
  register(app, contracts.RemoveFriend, async ({ actor, params }) => await friends.remove(actor, params.userId))
  register(app, contracts.SendRequest, async ({ actor, body }) => await requests.send(actor, body))
  register(app, contracts.ListRequests, async ({ actor, query }) => await requests.list(actor, query))
  register(app, contracts.AcceptRequest, async ({ actor, params }) => await requests.accept(actor, params.requestId))
  register(app, contracts.DeclineRequest, async ({ actor, params }) => await requests.decline(actor, params.requestId))
  register(app, contracts.CancelRequest, async ({ actor, params }) => await requests.cancel(actor, params.requestId))
}
