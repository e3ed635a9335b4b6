import type { Test } from 'tap'
import type { Act, Driver, Entry, Face, Tables } from './face.ts'
import type { FaceListener, Listener } from './listener.ts'
import { isOfOwnWords, MEANINGS, type Meaning, OWN_GROUP, type Words } from './meanings.ts'
import type { NamedPerson, Scene } from './scene.ts'

type Where = 'direct' | 'group'

/** An action that is about to be done. */
interface Run {
  readonly entry: Entry<Act>
  readonly where: Where
  readonly meaning: Meaning
  readonly words: Words
  readonly listener: Listener
}

/** Scenario of an action: who does it, and to whom. */
export interface Scenario {
  readonly t: Test
  readonly scene: Scene
  readonly face: Face
  readonly tables: Tables
  readonly driver: Driver
  /** The other one. */
  readonly listener: Listener
  /** Whether it is to be seen first that all of it passes without a block. */
  readonly isSeenBefore: boolean
  /** Blocks these people, or takes it back. */
  block(peers: readonly NamedPerson[], is: boolean): Promise<void>
}

let count = 0

/** Require that every action passes without a block, before it and after it, and in between has its stated effect. */
export async function walkActs(scenario: Scenario, entries: readonly Entry<Act>[]): Promise<void> {
  const inOrder = [...entries].sort((a, b) => Number(a.row.isLast ?? false) - Number(b.row.isLast ?? false))
  const all = inOrder.flatMap(entry => placesOf(entry).map(where => ({ entry, where })))
  for (const { entry, where } of scenario.isSeenBefore ? all : []) {
    const run = await prepare(scenario, entry, where)
    await untilHeard(run)
    await requirePasses(scenario, run, 'before')
  }
  const runs: Run[] = []
  for (const { entry, where } of all) runs.push(await prepare(scenario, entry, where))
  const peers = [...new Set([scenario.scene.other, ...runs.map(({ words }) => words.peer)])]
  await setBlock(scenario, peers, true)
  const refused = new Set<Run>()
  const bystander = await scenario.scene.bystander()
  const since: Since = { bystander, quiet: new Set(), isRefused: run => refused.add(run) }
  for (const run of runs) await requireBlocked(scenario, run, since)
  await setBlock(scenario, peers, false)
  for (const run of runs) {
    // What was refused is possible now as it is.
    const again = refused.has(run) ? run : await prepare(scenario, run.entry, run.where)
    await (again === run ? settle(run) : untilHeard(again))
    await requirePasses(scenario, again, 'afterwards')
  }
}

/** Blocks, or takes it back; in every app the other one is told how they see the actor now. */
async function setBlock(
  { scene, listener, block }: Scenario,
  peers: readonly NamedPerson[],
  is: boolean
): Promise<void> {
  const shown = is ? /offline|"isOnline":false/ : /"status":"online"|user:online|"isOnline":true/
  await listener.settle()
  await block(peers, is)
  const isShown = (heard: string) => heard.includes(scene.actor.hex) && shown.test(heard)
  await Promise.all(listener.listeners.map(async faceListener => await faceListener.until(isShown)))
}

function placesOf({ row }: Entry<Act>): readonly Where[] {
  const { among }: Meaning = MEANINGS[row.means]
  if (row.where !== undefined) return [row.where]
  if (OWN_GROUP.has(row.means)) return ['group']
  return among === 'conversation' ? ['direct', 'group'] : ['direct']
}

async function prepare(scenario: Scenario, entry: Entry<Act>, where: Where): Promise<Run> {
  const { scene } = scenario
  const meaning: Meaning = MEANINGS[entry.row.means]
  const listener = meaning.among === 'strangers' ? await scene.stranger(entry.row.hasPhone === true) : scenario.listener
  const peer = meaning.among === 'strangers' ? (listener.person as NamedPerson) : scene.other
  count += 1
  const text = `Said as number ${count}.`
  const nothing = { conv: '', msg: '', theirs: '', seq: 0, req: '', sought: '' }
  const words: Words = { ...nothing, actor: scene.actor, peer, isGroup: where === 'group', text }
  const there = meaning.among === 'conversation' ? { ...words, ...(await talk(scene, entry.row, words)) } : words
  const more = await meaning.prepare?.(scene, there)
  return { entry, where, meaning, listener, words: { ...there, ...more } }
}

/** What the actor says before an action. */
const saidBefore = (text: string): string => `Own before: ${text}`

/** A message of each, in the chat, in the group, or in a new one. */
async function talk({ server, say, ...scene }: Scene, { means }: Act, { text, isGroup }: Words) {
  const { actor, other, direct, group } = scene
  const conv = OWN_GROUP.has(means) ? (await server.group(actor, other)).slice(-24) : isGroup ? group : direct
  const own = await say(actor, conv, saidBefore(text))
  const theirs = await say(other, conv, `Theirs before: ${text}`)
  const { isOwn }: Meaning = MEANINGS[means]
  return { conv, msg: isOwn ? own.id : theirs.id, theirs: theirs.id, seq: theirs.seq }
}

function nameOf({ entry: { key, row }, where, meaning }: Run): string {
  return `${key} (${row.means}${meaning.among === 'conversation' ? `, ${where}` : ''})`
}

/** Waits until nothing of before an action is to come, and forgets it. */
async function settle({ entry, listener }: Run): Promise<void> {
  // What reaches some sockets counts as delivered soon, said or not: that may have been heard already.
  if (entry.row.means !== 'deliver') await listener.settle()
}

/** The same right after it was prepared: what is done to the actor’s own words is not heard before they are. */
async function untilHeard(run: Run): Promise<void> {
  const { where, meaning, words, listener } = run
  if (!isOfOwnWords(meaning)) return await settle(run)
  const hearing = listener.listeners.filter(it => !isDeaf(it, where))
  await Promise.all(hearing.map(async it => await it.until(heard => heard.includes(saidBefore(words.text)))))
  listener.empty()
}

/** Whether an app is told nothing of such conversations. */
function isDeaf({ face }: FaceListener, where: Where): boolean {
  return where === 'group' && face === 'reals2chat'
}

async function requirePasses(scenario: Scenario, run: Run, when: string): Promise<void> {
  const { t, driver } = scenario
  const { code, text } = await driver.say(run.entry, run.words)
  t.equal(code, 'ok', `${nameOf(run)} ${when}: ${code === 'ok' ? '' : text}`)
  if (code !== 'ok') return
  await requireHeard(scenario, run)
  t.pass(`${nameOf(run)} ${when}: heard`)
  if (run.entry.row.means !== 'show') return
  run.listener.empty()
  await appear(scenario)
  await run.listener.canonical.until(heard => heard.includes('"online"'))
}

/** In Parley’s own words, and in those of every app that knows the event. */
async function requireHeard({ tables }: Scenario, run: Run): Promise<void> {
  const { words, listener, where } = run
  const { event, hint = () => '' } = run.meaning
  if (event === undefined) return
  await requireHeardBy(listener, run)
  const needle = hint(words)
  for (const faceListener of listener.listeners) {
    const isTold = tables.events.get(faceListener.face)?.has(event) === true
    if (isTold && needle !== '' && !isDeaf(faceListener, where))
      await faceListener.until(heard => heard.includes(needle))
  }
}

/** Shows the actor as being there. */
async function appear({ scene: { server, actor } }: Scenario): Promise<void> {
  await server.call(actor, 'PUT', '/v1/presence', { status: 'online' })
}

interface Since {
  /** Of the group. */
  readonly bystander: Listener
  /** Those to whom nothing is to come. */
  readonly quiet: Set<Listener>
  /** Is told what was refused. */
  readonly isRefused: (run: Run) => void
}

async function requireBlocked(scenario: Scenario, run: Run, { bystander, quiet, isRefused }: Since): Promise<void> {
  const { t, scene, driver } = scenario
  const { meaning, entry, listener, where } = run
  if (!quiet.delete(listener)) await listener.settle()
  bystander.empty()
  await scene.written()
  const { code, text } = await driver.say(entry, run.words)
  const written = await scene.written()
  if (code !== 'ok') isRefused(run)
  const what = `${nameOf(run)} when blocked`
  t.equal(code, meaning[where] === 'refused' ? 'blocked' : 'ok', `${what}: ${text}`)
  if (meaning[where] === 'passes' && meaning.event !== undefined) await requireHeard(scenario, run)
  else t.same(await listener.settle(), [], `${what}: nobody hears of it`)
  if (meaning[where] !== 'passes') quiet.add(listener)
  const allowed = storedBy(run)
  if (allowed !== undefined) t.same(written, allowed, `${what}: nothing else is stored`)
  if (entry.row.means === 'show') await appear(scenario)
  if (isWhisperedToOthers(scenario, run)) await requireHeardBy(bystander, run)
}

/** Whether a receipt shows to others: an app that was sent something has it delivered before it says so. */
function isWhisperedToOthers({ face }: Scenario, { meaning, where, entry }: Run): boolean {
  const isSaid = face.name === 'canonical' || entry.row.means !== 'deliver'
  return where === 'group' && meaning[where] === 'silent' && isSaid
}

/** Require that others hear what two blocked people do not hear of each other, in Parley’s own words. */
async function requireHeardBy({ canonical }: Listener, { meaning, words, entry }: Run): Promise<void> {
  const { event, hint = () => '', ownHint = hint } = meaning
  // What reads everything may read more than was prepared for it.
  const needle = entry.row.isLast ? words.actor.hex : ownHint(words)
  await canonical.until((heard, name) => name === event && heard.includes(needle))
}

/** The collections in which something may be stored: how far the actor has read is their own. */
function storedBy({ meaning, where }: Run): string[] | undefined {
  if (meaning[where] === 'refused') return []
  if (meaning[where] === 'passes' || meaning.among !== 'conversation') return undefined
  return meaning.event === 'receipt:read' ? ['accountChanges', 'accounts', 'members'] : []
}
