import type { History } from './history.ts'
import { findDuplicates, findRevHoles, findSeqHoles } from './rules/numbers.ts'
import { findDisorder, findOvertaking, findSteppedBack, findTimeTravel } from './rules/order.ts'
import { findGhosts, findLies, findLost, findPhantoms } from './rules/truth.ts'

/** The rules by name; each yields what breaks it, and says beside its code what it asks for. */
const RULES = {
  loss: findLost,
  duplicate: findDuplicates,
  seq: findSeqHoles,
  rev: findRevHoles,
  order: findDisorder,
  pipeline: findOvertaking,
  time: findTimeTravel,
  ghost: findGhosts,
  phantom: findPhantoms,
  honest: findLies,
  cursor: findSteppedBack
} satisfies Record<string, (history: History) => Iterable<string>>

export type Rule = keyof typeof RULES

/** Violation of one promise. */
export interface Violation {
  rule: Rule
  what: string
}

/** Checks a history against every rule. @returns what is wrong with it; nothing when all promises were kept */
export function check(history: History): Violation[] {
  return (Object.keys(RULES) as Rule[]).flatMap(rule => [...RULES[rule](history)].map(what => ({ rule, what })))
}
