const TILDE = 0x7e
const ZERO = 0x30
/** Length of a message's text; what people write is mostly shorter. */
const TEXT_LENGTH = 100

/** The text of message `n`: its number between two marks, then padding. */
export function markedText(n: number, length = TEXT_LENGTH): string {
  return `~${n}~`.padEnd(length, 'x')
}

/** The number in a marked text that lies somewhere in the frame. @returns -1 where there is none */
export function markIn(bytes: Buffer, start: number, end: number): number {
  const mark = bytes.indexOf(TILDE, start)
  return mark < 0 || mark >= end ? -1 : digitsAt(bytes, mark + 1)
}

/** The decimal number that starts at `at`. */
export function digitsAt(bytes: Buffer, at: number): number {
  let value = 0
  for (let index = at; ; index++) {
    const digit = (bytes[index] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return value
    value = value * 10 + digit
  }
}
