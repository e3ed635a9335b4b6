import { durable } from '../envelope.ts'
import { SessionRef } from './entities.ts'

export const SessionAdded = durable(
  'user',
  'session:added',
  'Somebody signed in to your account on another device; who does not know it ends that session.',
  SessionRef
)
