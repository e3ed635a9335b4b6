/**
 * The same text with another letter for one near its end. Not for the last: several letters there can stand for the same
 * bytes, so that nothing would be altered.
 */
export function altered(text: string): string {
  return text.replace(/.(?=.{4}$)/, letter => (letter === 'A' ? 'B' : 'A'))
}
