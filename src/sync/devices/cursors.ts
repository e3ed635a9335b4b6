import type { DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Arrived, DeviceClient, DeviceCursor } from '../../streams/positions.ts'
import type { CursorPositions, DeviceCursorDoc, DeviceCursorStore } from './store.ts'

/** Life of a cursor that does not move, ms. */
const KEPT_MS = 90 * 24 * 3_600_000
/** Time in which any of several clients of a device may come back, ms; after it only the last one of them does. */
const ALL_COME_BACK_MS = 24 * 3_600_000
/** Beginning of the keys of devices that only their token tells apart. */
const BY_TOKEN = 'token:'

/**
 * Delivery cursors of clients that keep none. A client of socket.io that says which one it was takes its own cursor.
 * Nothing tells other clients of one device apart, such as two tabs with the same token: who comes takes the cursor
 * that was released first. Where none is free, because the server has not noticed yet that the client is gone, the new
 * connection begins at a copy of one that is held. So no client misses anything; at worst it is sent again what it has.
 */
export class DeviceCursors {
  readonly #store: DeviceCursorStore
  readonly #clock: DatabaseClock

  constructor(store: DeviceCursorStore, clock: DatabaseClock) {
    this.#store = store
    this.#clock = clock
  }

  /**
   * Holds a cursor for a connection.
   * @param begin positions of a device that was not here before, or maybe only under another name
   */
  async hold(
    userId: string,
    client: DeviceClient,
    begin: { readonly anew: () => Promise<CursorPositions>; readonly renewed: () => Promise<CursorPositions> }
  ): Promise<DeviceCursor> {
    const person = new ObjectId(userId)
    const device = keyOf(client)
    const known = await this.#store.find(person, device)
    const { connectionId: heldBy, clientId, formerId } = client
    const own = formerId === undefined ? [] : known.filter(it => it.client === formerId)
    const holder = { heldBy, expiresAt: this.#expiry(), ...omitUndefined({ client: clientId }) }
    for (const one of [...own, ...this.#free(known)]) {
      const held = await this.#store.hold(one, holder)
      if (held !== null) return cursorOf(held, false)
    }
    // The one that has stood still for longest: its client is the likeliest to be gone.
    const copied = known.findLast(it => it.heldBy !== undefined && it.isCopied === undefined) ?? known[0]
    const isRenewed =
      copied === undefined && client.isByToken && (await this.#store.hasOthers(person, `${client.app}:${BY_TOKEN}`))
    const { account, conversations } = copied ?? (await (isRenewed ? begin.renewed() : begin.anew()))
    const cursor = { _id: new ObjectId(), userId: person, device, account, conversations, ...holder }
    await this.#store.insert(cursor)
    if (copied !== undefined) await this.#store.noteCopied(copied._id)
    return cursorOf(cursor, copied === undefined && !isRenewed)
  }

  /** Notes that everything up to these positions has arrived. */
  async move(cursorId: string, { account, conversations }: Arrived): Promise<void> {
    const positions = { ...omitUndefined({ account }), conversations: Object.fromEntries(conversations) }
    await this.#store.move(new ObjectId(cursorId), positions, this.#expiry())
  }

  /**
   * The connection is gone; its client may come back.
   * @param isLost where the client was silent until the connection was given up: it may have come back long ago
   */
  async release(cursorId: string, { connectionId, isLost }: { connectionId: string; isLost: boolean }): Promise<void> {
    const id = new ObjectId(cursorId)
    if (isLost) await this.#store.dropCopied(id, connectionId)
    await this.#store.release(id, connectionId)
  }

  /** Free cursors: the first released first, of those whose clients may come back. */
  #free(known: readonly DeviceCursorDoc[]): DeviceCursorDoc[] {
    const since = this.#clock.now() - ALL_COME_BACK_MS
    return known
      .flatMap(it => (it.heldBy === undefined ? [{ it, at: (it.releasedAt ?? it.movedAt).getTime() }] : []))
      .sort((a, b) => a.at - b.at)
      .filter(({ at }, index, all) => index === all.length - 1 || at > since)
      .map(({ it }) => it)
  }

  #expiry(): Date {
    return new Date(this.#clock.now() + KEPT_MS)
  }
}

/** Key of a device and an app on it. */
function keyOf({ app, deviceId, isByToken }: DeviceClient): string {
  return `${app}:${isByToken ? BY_TOKEN : ''}${deviceId}`
}

function cursorOf({ _id, account, conversations }: Omit<DeviceCursorDoc, 'movedAt'>, isNew: boolean): DeviceCursor {
  return { id: _id.toHexString(), account, conversations: new Map(Object.entries(conversations)), isNew }
}
