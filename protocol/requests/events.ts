import { durable } from '../envelope.ts'
import { PersonRequest } from './entities.ts'

export const RequestNew = durable('user', 'request:new', 'A request was made, to you or by you.', PersonRequest)

export const RequestUpdated = durable(
  'user',
  'request:updated',
  'A request was accepted, declined or cancelled; accepting makes the two contacts.',
  PersonRequest
)
