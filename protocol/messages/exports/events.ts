import { durable } from '../../envelope.ts'
import { Export } from './entities.ts'

export const ExportUpdated = durable(
  'user',
  'export:updated',
  'You have begun to export a conversation, on this device or another, or that has ended.',
  Export
)
