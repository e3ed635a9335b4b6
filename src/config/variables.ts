import type { TSchema } from '@sinclair/typebox'
import { normalOrigin } from './origins.ts'

const UNITS = { w: 604_800_000, d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 }

/** The value that a variable's text stands for by its schema. Text that does not fit is returned as it is, for the check to refuse. */
export function convert(schema: TSchema, given: string): unknown {
  if (schema['as'] === 'list') return splitList(given)
  if (schema['as'] === 'origins') return splitList(given).map(it => normalOrigin(it) ?? '')
  if (schema['as'] === 'duration') return parseDuration(given) ?? given
  if (schema['type'] === 'integer') return /^\d+$/.test(given) ? Number(given) : given
  if (schema['type'] === 'boolean') return BOOLEANS[given.toLowerCase()] ?? given
  return given
}

const BOOLEANS: Record<string, boolean> = {
  true: true,
  yes: true,
  on: true,
  1: true,
  false: false,
  no: false,
  off: false,
  0: false
}

function splitList(given: string): string[] {
  return given
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '')
}

function parseDuration(given: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?$/.exec(given)
  return parts ? Math.round(Number(parts[1]) * UNITS[(parts[2] ?? 'ms') as keyof typeof UNITS]) : undefined
}

/** The shortest way to write a time with one unit, such as `15m`. */
export function formatDuration(ms: number): string {
  const unit = Object.entries(UNITS).find(([name, size]) => name !== 'w' && ms >= size && ms % size === 0)
  return unit ? `${ms / unit[1]}${unit[0]}` : `${ms}ms`
}
