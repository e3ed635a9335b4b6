import { setTimeout as sleep } from 'node:timers/promises'
import type { Collection } from 'mongodb'

/**
 * Resolves when no connection of these devices holds a cursor: before, the server cannot tell the next client from a
 * second one of the device.
 * @param device beginning of their keys
 */
export async function untilReleased(cursors: Collection, device = ''): Promise<void> {
  const held = { device: { $regex: `^${device}` }, heldBy: { $exists: true } }
  while ((await cursors.countDocuments(held)) > 0) await sleep(5)
}
