import type { DatabaseClock } from '../../database/index.ts'
import { ObjectId } from '../../database/object-id.ts'
import { omitUndefined } from '../../omit-undefined.ts'
import type { Arrived, DeviceClient, DeviceCursor } from '../../streams/positions.ts'
import type { CursorPlace, CursorPositions, DeviceCursorDoc, DeviceCursorStore } from './store.ts'

/** Life of a cursor that does not move, ms. */
const KEPT_MS = 90 * 24 * 3_600_000
/** Time in which any of several clients of a device may come back, ms; after it only the last one of them does. */
const ALL_COME_BACK_MS = 24 * 3_600_000
/** Beginning of the keys of devices that only their token tells apart. */
const BY_TOKEN = 'token:'

/** Where a device begins that was not here before, or maybe only under another name. */
interface Begin {
  readonly anew: () => Promise<CursorPositions>
  readonly renewed: () => Promise<CursorPositions>
}

/**
 * Delivery cursors of clients that keep none. A client of socket.io that says which one it was takes its own cursor,
 * whoever has come meanwhile. Nothing tells other clients of one device apart, such as two tabs with the same token:
 * who comes may be any of those that are away, or one whose loss the server has not noticed yet, and begins where the
 * one of them is that has got least. So no client misses anything; at worst it is sent again what it has.
 */
export class DeviceCursors {
  readonly #store: DeviceCursorStore
  readonly #clock: DatabaseClock

  constructor(store: DeviceCursorStore, clock: DatabaseClock) {
    this.#store = store
    this.#clock = clock
  }

  /** Holds a cursor for a connection. */
  async hold(userId: string, client: DeviceClient, begin: Begin): Promise<DeviceCursor> {
    const person = new ObjectId(userId)
    const device = keyOf(client)
    const known = await this.#store.find(person, device)
    const { connectionId: heldBy, clientId, formerId, framing } = client
    const holder = { heldBy, expiresAt: this.#in(KEPT_MS), ...omitUndefined({ client: clientId }) }
    const own = formerId === undefined ? undefined : known.find(it => it.client === formerId)
    const taken = own === undefined ? null : await this.#store.takeOver(own._id, holder)
    if (taken !== null) return cursorOf(taken, false)
    const possible = this.#possible(known, client)
    const free = possible.length === 1 ? possible.find(it => isFree(it) && it.client === undefined) : undefined
    const held = free === undefined ? null : await this.#store.hold(free._id, holder)
    if (held !== null) return cursorOf(held, false)
    const { isNew, ...start } = await this.#start(person, client, { known, possible, begin })
    const _id = new ObjectId()
    const cursor = { _id, userId: person, device, framing, ...start, ...holder }
    await this.#store.insert(cursor)
    await this.#takeOne(cursor, possible)
    return cursorOf(cursor, isNew)
  }

  /** Notes that everything up to these positions has arrived. */
  async move(cursorId: string, { account, conversations }: Arrived): Promise<void> {
    const positions = { ...omitUndefined({ account }), conversations: Object.fromEntries(conversations) }
    await this.#store.move(new ObjectId(cursorId), positions, this.#in(KEPT_MS))
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

  /**
   * Cursors of which any may be that of a client which does not name itself: those that are held, and those released
   * within a day, or last. One that another has taken still counts, because that may have been the wrong one.
   */
  #possible(known: readonly DeviceCursorDoc[], { framing }: DeviceClient): DeviceCursorDoc[] {
    const since = this.#clock.now() - ALL_COME_BACK_MS
    const alike = known.filter(it => it.framing === framing && !(it.isTaken && it.client !== undefined))
    const last = Math.max(...alike.filter(it => !it.isTaken).map(releasedAt))
    return alike.filter(it => it.heldBy !== undefined || releasedAt(it) > since || releasedAt(it) === last)
  }

  async #start(
    person: ObjectId,
    client: DeviceClient,
    { known, possible, begin }: { known: DeviceCursorDoc[]; possible: DeviceCursorDoc[]; begin: Begin }
  ): Promise<CursorPositions & { isNew: boolean }> {
    const alike = possible.length > 0 ? possible : known
    if (alike.length > 0) return { ...least(alike), isNew: false }
    const isRenewed = client.isByToken && (await this.#store.hasOthers(person, `${client.app}:${BY_TOKEN}`))
    return isRenewed ? { ...(await begin.renewed()), isNew: false } : { ...(await begin.anew()), isNew: true }
  }

  /** A client has begun where the one of these is that has got least: one of them is back, whichever it is. */
  async #takeOne({ userId, device, framing }: CursorPlace, possible: readonly DeviceCursorDoc[]): Promise<void> {
    for (const { _id } of possible.filter(isFree).sort((a, b) => releasedAt(a) - releasedAt(b))) {
      if (!(await this.#store.take(_id, this.#in(ALL_COME_BACK_MS)))) continue
      // Once all are back, none of them can be mistaken for another any more.
      return await this.#store.dropTakenUnlessFree({ userId, device, framing })
    }
    // The one that has stood still for longest: its client is the likeliest to be gone.
    const stale = possible.findLast(it => it.heldBy !== undefined && it.isCopied === undefined)
    if (stale !== undefined) await this.#store.noteCopied(stale._id)
  }

  #in(ms: number): Date {
    return new Date(this.#clock.now() + ms)
  }
}

function isFree({ heldBy, isTaken }: DeviceCursorDoc): boolean {
  return heldBy === undefined && isTaken === undefined
}

function releasedAt({ heldBy, releasedAt, movedAt }: DeviceCursorDoc): number {
  return heldBy === undefined ? (releasedAt ?? movedAt).getTime() : Number.NEGATIVE_INFINITY
}

/** The least of each position; one that some of them do not have began later. */
function least(cursors: readonly CursorPositions[]): CursorPositions {
  const [first, ...others] = cursors.map(({ conversations }) => conversations)
  const common = Object.entries(first ?? {}).filter(([id]) => others.every(it => id in it))
  const conversations = common.map(([id, rev]) => [id, Math.min(rev, ...others.map(it => it[id] ?? rev))])
  return {
    account: Math.min(...cursors.map(({ account }) => account)),
    conversations: Object.fromEntries(conversations)
  }
}

/** Key of a device and an app on it. */
function keyOf({ app, deviceId, isByToken }: DeviceClient): string {
  return `${app}:${isByToken ? BY_TOKEN : ''}${deviceId}`
}

function cursorOf({ _id, account, conversations }: Omit<DeviceCursorDoc, 'movedAt'>, isNew: boolean): DeviceCursor {
  return { id: _id.toHexString(), account, conversations: new Map(Object.entries(conversations)), isNew }
}
