import { CLOSE } from '../../protocol/close.ts'
import { LabelCounts } from '../label-counts.ts'

/** Framing of a connection, as figures name it. */
export type Framing = 'frames' | 'socket.io' | 'stream'

/** Codes of the standard with which connections end (RFC 6455, 7.4.1). */
const STANDARD = [1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1011]
const KNOWN = new Set<number>([...Object.values(CLOSE), ...STANDARD])

/** Ends of connections, by code. */
export class CloseCounts {
  readonly counts = new LabelCounts<'framing' | 'code'>()

  /** @param code none where the framing has no codes and the client ended it; any text of a client counts as `other` */
  count(framing: Framing, code: number | undefined): void {
    const text = code === undefined ? 'none' : KNOWN.has(code) ? String(code) : 'other'
    this.counts.count({ framing, code: text })
  }
}
