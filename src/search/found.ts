import { comparePlaces, type Place } from './position.ts'

/** Messages that are kept while others are looked for. */
const MAX_KEPT = 100

/** The newest messages that a walk has found and not shown yet. */
export class Found {
  readonly #places: Place[]
  #floor: Place | undefined

  constructor(places: readonly Place[], floor: Place | undefined) {
    this.#places = [...places].sort(comparePlaces)
    this.#floor = floor
  }

  get places(): readonly Place[] {
    return this.#places
  }

  /** The newest message that was found and did not fit: from there on the kept ones are not all that there are. */
  get floor(): Place | undefined {
    return this.#floor
  }

  /** Adds a message, once. */
  add(place: Place): void {
    if (this.#floor !== undefined && comparePlaces(place, this.#floor) >= 0) return
    const at = this.#indexOf(place)
    if (this.#places[at]?.id.equals(place.id)) return
    this.#places.splice(at, 0, place)
    if (this.#places.length > MAX_KEPT) this.#floor = this.#places.pop()
  }

  /** Takes the newest, at most so many; only those that are newer than a moment, where there is one. */
  take(limit: number, newerThan?: Date): Place[] {
    const end = newerThan === undefined ? -1 : this.#places.findIndex(({ at }) => at <= newerThan)
    return this.#places.splice(0, Math.min(limit, end < 0 ? this.#places.length : end))
  }

  #indexOf(place: Place): number {
    let [low, high] = [0, this.#places.length]
    while (low < high) {
      const middle = (low + high) >> 1
      const other = this.#places[middle]
      if (other !== undefined && comparePlaces(other, place) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
