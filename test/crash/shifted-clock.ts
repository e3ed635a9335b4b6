// Loaded ahead of a server's program: its clock is ahead of the others by `CLOCK_AHEAD_MS`.
const aheadMs = Number(process.env['CLOCK_AHEAD_MS'])
const RealDate = Date

globalThis.Date = class extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    if (given.length === 0) super(RealDate.now() + aheadMs)
    else super(...given)
  }

  static override now(): number {
    return RealDate.now() + aheadMs
  }
} as DateConstructor
