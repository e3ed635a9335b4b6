/** Origins that are no addresses: every page, and pages without a place of their own, which browsers call either. */
const NAMED = ['*', 'null', 'file://']
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/[^/?#@\\*\s]+$/i

/**
 * Origin of pages as browsers send it: without the default port, names in small letters (`https://app.example` for
 * `https://App.Example:443`); as it is where no browser changes it, as in `app://.`.
 * @returns `undefined` for what is no origin, or for a pattern of several
 */
export function normalOrigin(text: string): string | undefined {
  if (NAMED.includes(text)) return text
  const [, scheme = ''] = ORIGIN.exec(text) ?? []
  if (scheme === '') return undefined
  if (!/^https?$/i.test(scheme)) return scheme.toLowerCase() + text.slice(scheme.length)
  return URL.canParse(text) ? new URL(text).origin : undefined
}
