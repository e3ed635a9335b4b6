/** Domains that have not ended, the innermost last. */
const alive: Domain[] = []

/**
 * Tells a test of what was thrown past everybody while it ran. Takes the place of what tap uses for that, which
 * follows every promise and takes a quarter of the time; of tests that run at once the youngest is told here.
 */
export class Domain {
  readonly onerror: (error: unknown, type: string) => void

  constructor(onerror: (error: unknown, type: string) => void) {
    this.onerror = onerror
    alive.push(this)
  }

  destroy(): void {
    const index = alive.indexOf(this)
    if (index >= 0) alive.splice(index, 1)
  }
}

for (const type of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(type, (error: unknown) => {
    const domain = alive.at(-1)
    if (domain === undefined) throw error
    domain.onerror(error, type)
  })
}
