/** Path parameters under the names that another document gives them. */
export function renamed(params: unknown, from: string, to: string): Record<string, unknown> {
  const names = (url: string) => url.split('/').filter(part => part.startsWith(':'))
  const targets = names(to)
  const values = names(from).map(name => (params as Record<string, unknown>)[name.slice(1)])
  return Object.fromEntries(targets.map((name, index) => [name.slice(1), values[index]]))
}
