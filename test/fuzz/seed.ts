const DAY_MS = 86_400_000

/** The seed of the short form: another one each day, unless `FUZZ_SEED` gives it again. */
export function seed(): number {
  return Number(process.env['FUZZ_SEED'] ?? Math.floor(Date.now() / DAY_MS))
}
