import type { Test } from 'tap'
import { ERRORS, type ErrorCode } from '../../../protocol/errors.ts'
import { someOf } from '../../kit/extent.ts'
import { startServer } from '../../kit/helper.ts'
import type { Write } from '../../kit/writes.ts'
import { askedOf, type Case, kindsNamed } from './cases.ts'
import { NO_IDS } from './request.ts'
import { ROLES, type Role, type Room, Rooms } from './rooms.ts'
import { watchWrites } from './traces.ts'
import { type Outcome, Voice } from './voice.ts'

/** Something that is done in a role, and what must become of it. */
export interface Trial {
  readonly it: Case
  readonly role: Role
  readonly wanted: 'ok' | ErrorCode
}

/** Require that every case in every role is granted or refused by the table, and a refusal leaves no trace. */
export async function requireRules(t: Test, cases: readonly Case[]): Promise<void> {
  const server = await startServer(t, { env: { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000' } })
  const [rooms, writes] = [await Rooms.open(server), await watchWrites(t, server.uri)]
  const voice = new Voice(t, server)
  const trials = cases.flatMap(trialsOf)
  t.not(trials.length, 0)
  const done = async (trial: Trial, room: Room): Promise<void> => {
    const outcome = await voice.ask(room.actor, trial.it.place, askedIn(room, trial))
    t.equal(problemOf(trial, outcome), undefined, nameOf(trial))
  }
  for (const trial of trials.filter(({ wanted }) => wanted === 'ok')) {
    const { action, place } = trial.it
    const isKept = action.spends !== undefined || place.method === 'GET'
    await done(trial, await rooms[isKept ? 'kept' : 'fresh'](trial.role, trial.it))
  }
  for (const it of cases) {
    const refused = trials.filter(trial => trial.it === it && trial.wanted !== 'ok')
    const places = []
    for (const trial of refused) places.push({ trial, room: await rooms.kept(trial.role, it) })
    await writes.take()
    for (const { trial, room } of places) await done(trial, room)
    // A file is received before it is known where it is to go; who is refused may use it elsewhere, for a day.
    const isOfFile = ({ collection }: Write) => it.place.isForm && /^file/.test(collection)
    t.same(
      (await writes.take()).filter(write => !isOfFile(write)),
      [],
      `${it.name}: nobody who is refused writes anything`
    )
  }
}

/** Trials of a case: in several roles that it is granted to, and in several that it is not. */
function trialsOf(it: Case): Trial[] {
  const all = ROLES.flatMap(role => trialOf(it, role) ?? [])
  const isGranted = ({ wanted }: Trial) => wanted === 'ok'
  const name = [it.place.method, it.place.url, ...it.words].join(' ')
  return [all.filter(isGranted), all.filter(trial => !isGranted(trial))].flatMap(it => someOf(it, 2, name))
}

/** Trial in a role, if there is one. */
export function trialOf(it: Case, role: Role): Trial | undefined {
  const wanted = it.action.rule[role.standing]
  if (wanted === undefined) return undefined
  // What names people alone is the same for everybody who is in a group with them.
  const kinds = kindsNamed(it, askedOf(it, NO_IDS))
  const isInGroup = !['direct', 'apart'].includes(role.standing)
  return isInGroup && !kinds.has('conv') && !kinds.has('msg') ? undefined : { it, role, wanted }
}

/** Request in a room. */
export function askedIn(room: Room, { it, role }: Trial) {
  const { ids } = room
  // In its document a chat of two goes by the other person.
  const isByPerson = it.place.face === 'taatom' && ['direct', 'apart'].includes(role.standing)
  return askedOf(it, isByPerson ? { ...ids, conv: ids.user } : ids)
}

export function nameOf({ it, role, wanted }: Trial): string {
  const { name, place, words } = it
  return `${wanted}: ${role.name}: ${name}: ${[place.method, place.url, ...words].join(' ')}`
}

/** Problem of an outcome. */
function problemOf({ wanted }: Trial, { isGranted, status, code, isCivil, text }: Outcome): string | undefined {
  if (wanted === 'ok') return isGranted ? undefined : text
  const isStatusRight = status === undefined || status === ERRORS[wanted].status
  return !isGranted && isStatusRight && code === wanted && isCivil ? undefined : `${status} ${text}`
}
