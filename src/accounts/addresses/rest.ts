import { NoteAddress, ProveAddress } from '../../../protocol/accounts/routes.ts'
import { type BoundRoute, route } from '../../contract/route.ts'
import type { AddressService } from './addresses.ts'

/** Routes by which somebody proves a phone number or an email. */
export function addressRoutes(addresses: AddressService): BoundRoute[] {
  return [
    route(NoteAddress, async ({ actor, body, ip, isLocal }) => await addresses.note(actor, body, { ip, isLocal })),
    route(ProveAddress, async ({ actor, body, ip }) => await addresses.prove(actor, body, ip))
  ]
}
