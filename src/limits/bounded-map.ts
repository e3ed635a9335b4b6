import { LRUCache } from 'lru-cache'

/**
 * A map of at most so many entries; the ones not used for longest are forgotten first.
 * @param options as those of the library: `ttl` (ms), `sizeCalculation` where entries count for more than one
 */
export function boundedMap<Value extends NonNullable<unknown>>(
  maxSize: number,
  options: Pick<LRUCache.Options<string, Value, unknown>, 'ttl' | 'sizeCalculation' | 'dispose'> = {}
): LRUCache<string, Value> {
  // The library's `max` would take the room for all entries at once, most of which are never there.
  return new LRUCache<string, Value>({ sizeCalculation: () => 1, ...options, maxSize })
}
