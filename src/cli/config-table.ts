import { type ConfigRow, describeConfig, readConfig } from '../config/config.ts'

/** The configuration in force, secrets masked. @param inDotEnv names that the `.env` file has set */
export function configRows(inDotEnv: ReadonlySet<string>): ConfigRow[] {
  return describeConfig(readConfig(process.env), process.env).map(row => ({
    ...row,
    source: inDotEnv.has(row.name) && row.source === 'environment' ? '.env' : row.source
  }))
}

/** The same as a table in text. */
export function formatRows(rows: readonly ConfigRow[]): string {
  const columns = ['name', 'value', 'default', 'source'] as const
  const lines = [{ name: 'NAME', value: 'VALUE', default: 'DEFAULT', source: 'SOURCE' }, ...rows]
  const widths = columns.map(column => Math.max(...lines.map(line => line[column].length)))
  const text = lines.map(line => columns.map((column, index) => line[column].padEnd(widths[index] ?? 0)).join('  '))
  return text.map(line => line.trimEnd()).join('\n')
}
