import type { Test } from 'tap'
import { type Person, startServer, type TestServer } from '../../kit/helper.ts'
import type { Writes } from '../../kit/writes.ts'
import { type Case, SAY } from './cases.ts'
import { type Asked, fieldsOf, type Ids, NO_IDS, requestFor } from './request.ts'
import { ROLES, type Room, Rooms } from './rooms.ts'
import type { Place } from './table.ts'
import { traceOf, watchWrites } from './traces.ts'
import { askedIn, nameOf, type Trial, trialOf } from './trials.ts'
import { type Outcome, Voice } from './voice.ts'

/** Fields of a forger who wants to be taken for another, or for more. */
export function forgedFields({ hex }: Person): Record<string, unknown> {
  const ids = ['from', 'fromId', 'sender', 'senderId', 'userId', 'ownerId', 'createdBy', 'actor']
  return {
    ...Object.fromEntries(ids.map(name => [name, hex])),
    ...{ role: 'owner', isAdmin: true, admin: true, isVerified: true, rev: 99, seq: 99, createdAt: '2001-01-01' }
  }
}

/** The fields that a place does not know. */
function unknownTo(place: Place, fields: Record<string, unknown>): Record<string, unknown> {
  const known = new Set(fieldsOf(place).flatMap(({ part, path }) => (part === 'body' ? path.slice(0, 1) : [])))
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !known.has(name)))
}

const withFields = (asked: Asked, fields: object): Asked => ({
  ...asked,
  body: { ...(asked.body as object), ...fields }
})

interface ForgeryDeps {
  readonly t: Test
  readonly server: TestServer
  readonly rooms: Rooms
  readonly voice: Voice
  readonly victim: Person
  readonly writes: Writes
}

/** Server on which forgeries are tried. */
export class Forgery {
  readonly #t: Test
  readonly #deps: ForgeryDeps

  private constructor(parts: ForgeryDeps) {
    this.#t = parts.t
    this.#deps = parts
  }

  static async open(t: Test): Promise<Forgery> {
    const server = await startServer(t, { env: { LIMITS_REFUSALS_PER_TEN_SECONDS: '1000000' } })
    const [rooms, victim] = [await Rooms.open(server), await server.person()]
    const writes = await watchWrites(t, server.uri)
    return new Forgery({ t, server, rooms, voice: new Voice(t, server), victim, writes })
  }

  /** Require that the fields change nothing: granted stays granted, refused stays refused. */
  async requireSame(it: Case): Promise<void> {
    const trials = ROLES.flatMap(role => trialOf(it, role) ?? [])
    const granted = trials.find(({ role, wanted }) => wanted === 'ok' && ['direct', 'owner'].includes(role.standing))
    const refused = trials.find(({ wanted }) => wanted !== 'ok')
    this.#t.ok(granted ?? refused, `${it.name} is tried`)
    for (const trial of [granted, refused]) {
      if (trial !== undefined) await this.#requireSameIn(trial)
    }
  }

  async #requireSameIn(trial: Trial): Promise<void> {
    const { role, it } = trial
    const { rooms, victim } = this.#deps
    const attempts = []
    for (const fields of [{}, unknownTo(it.place, forgedFields(victim))]) {
      const room = await rooms[trial.wanted === 'ok' ? 'fresh' : 'kept'](role, it)
      attempts.push(
        await this.#attempt(room.actor, it.place, { asked: withFields(askedIn(room, trial), fields), ids: room.ids })
      )
    }
    this.#t.equal(attempts[0]?.outcome.isGranted, trial.wanted === 'ok', nameOf(trial))
    this.#requireAlike(attempts, nameOf(trial))
  }

  /** The same for what names nobody: two people ask it, one with the fields and one without. */
  async requireSameOfOwn(place: Place): Promise<void> {
    const { server, victim } = this.#deps
    const attempts = []
    for (const fields of [{}, unknownTo(place, forgedFields(victim))]) {
      const who = await server.person()
      const asked = requestFor(place, NO_IDS, true)
      if (asked.body !== undefined) delete (asked.body as { username?: string }).username
      attempts.push(await this.#attempt(who, place, { asked: withFields(asked, fields), ids: NO_IDS }))
    }
    this.#requireAlike(attempts, `${place.method} ${place.url}`)
  }

  /** Require that each of the fields alone is refused, and nothing is done. */
  async requireRefused(it: Case): Promise<void> {
    const trial = ROLES.flatMap(role => trialOf(it, role) ?? []).at(0)
    if (trial === undefined) throw new Error(`${it.name} is done by nobody`)
    const room: Room = await this.#deps.rooms.kept(trial.role, it)
    await this.requireRefusedBy(room.actor, it.place, askedIn(room, trial))
  }

  async requireRefusedBy(who: Person, place: Place, asked: Asked): Promise<void> {
    const { victim, voice, writes } = this.#deps
    await writes.take()
    for (const [name, value] of Object.entries(unknownTo(place, forgedFields(victim)))) {
      const { code, text } = await voice.ask(who, place, withFields(asked, { [name]: value }))
      this.#t.equal(code, 'invalid', `${place.method} ${place.url} with ${name}: ${text}`)
    }
    this.#t.same(await writes.take(), [], `${place.method} ${place.url}: nothing is written`)
  }

  /** New person, for what is one’s own. */
  async person(): Promise<Person> {
    return await this.#deps.server.person()
  }

  async #attempt(who: Person, place: Place, { asked, ids }: { asked: Asked; ids: Ids }): Promise<Attempt> {
    const { voice, victim } = this.#deps
    // What a connection does by itself is done before.
    if (place.method === SAY) await voice.open(who, place)
    const names = {
      [ids.user]: 'user',
      [ids.conv]: 'conv',
      [ids.msg]: 'msg',
      [who.hex]: 'actor',
      [victim.hex]: 'victim'
    }
    let outcome: Outcome | undefined
    const trace = await traceOf(this.#deps.writes, names, async () => {
      outcome = await voice.ask(who, place, asked)
    })
    if (outcome === undefined) throw new Error('Nothing was asked')
    return { outcome, trace }
  }

  #requireAlike([without, withThem]: readonly Attempt[], what: string): void {
    const { status, code } = without?.outcome ?? {}
    this.#t.match(withThem?.outcome, { status, code }, `${what}: ${withThem?.outcome.text}`)
    this.#t.same(withThem?.trace, without?.trace, `${what}: does the same`)
  }
}

interface Attempt {
  readonly outcome: Outcome
  readonly trace: readonly string[]
}
