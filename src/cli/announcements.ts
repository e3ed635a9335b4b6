import type { Logger } from 'pino'
import type { UnknownName } from '../config/unknown-names.ts'

/** Facts of a server that has started. */
export interface Started {
  readonly version: string
  readonly address: string
  readonly environment: string
  readonly database: string
}

/** Tells that the server runs: in words to a terminal, else as one line of the log. */
export function announceStart(log: Logger, { version, address, environment, database }: Started): void {
  if (!process.stdout.isTTY) return log.info({ version, address, environment, database }, 'Parley is running')
  const lines = [
    `Parley ${version} is running at ${address} (${environment})`,
    `  Database  ${database}`,
    `  Look      ${address}/ in a browser, ${address}/docs for the REST interface`,
    `  Try       curl ${address}/health/ready`,
    `  Connect   REST under ${address}/v1, WebSocket at ${address.replace(/^http/, 'ws')}/ws`,
    '  Stop      Ctrl-C; all settings: npx parley config\n'
  ]
  process.stdout.write(lines.join('\n'))
}

/** Warns of variables that are set for nothing. */
export function warnOfNames(log: Logger, names: readonly UnknownName[]): void {
  for (const { name, meant } of names) {
    if (!process.stdout.isTTY) log.warn({ name, meant }, 'A variable is set that Parley does not know')
    else process.stderr.write(`Warning: ${name} is not known${meant === undefined ? '' : `; do you mean ${meant}?`}\n`)
  }
}
