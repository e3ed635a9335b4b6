import type { Scenario } from './acts.ts'
import type { Entry, Search, View } from './face.ts'
import type { Words } from './meanings.ts'
import { type NamedPerson, signUp } from './scene.ts'

/** Identifiers that nobody has. */
const NOBODY = { username: 'unheardofx', phone: '+4915129999999', all: '' }

/** People besides the two: neither has ever been there. */
interface Others {
  readonly stranger: NamedPerson
  /** Apart from the actor as well. */
  readonly apart: NamedPerson
}

/** Require that views show the other before a block and after it, and in between not a byte. */
export async function walkViews(scenario: Scenario, entries: readonly Entry<View | Search>[]): Promise<void> {
  const { scene } = scenario
  const others = { stranger: await signUp(scene.server), apart: await signUp(scene.server) }
  const peers = [scene.other, others.apart]
  await scene.server.call(scene.other, 'POST', '/v1/requests', { kind: 'chat', to: scene.actor.id })
  const views = entries.filter((it): it is Entry<View> => 'shows' in it.row)
  const searches = entries.filter((it): it is Entry<Search> => 'finds' in it.row)
  for (const phase of ['before', 'when blocked', 'afterwards'] as const) {
    const isBlocked = phase === 'when blocked'
    const words = await talk(scenario, phase)
    if (isBlocked) await scenario.block(peers, true)
    await requireSeen(scenario, { views, words, others, phase })
    for (const entry of searches)
      await requireFound(scenario, entry, { words: words.direct, isFound: !isBlocked, phase })
    if (isBlocked) await scenario.block(peers, false)
  }
}

type Phase = 'before' | 'when blocked' | 'afterwards'

interface Seen {
  readonly views: readonly Entry<View>[]
  readonly words: Places
  readonly others: Others
  readonly phase: Phase
}

/** Require every view before and after the other person changes everything that can be seen. */
async function requireSeen(scenario: Scenario, { views, words, others, phase }: Seen): Promise<void> {
  const { t } = scenario
  const isBlocked = phase === 'when blocked'
  const looks = views.flatMap(entry => wordsFor(entry, words).map(it => ({ entry, words: it })))
  // Some looks read what they show.
  await lookAtAll(scenario, looks)
  const first = await lookAtAll(scenario, looks)
  await stir(scenario, phase)
  const second = await lookAtAll(scenario, looks)
  for (const [index, { entry, words: it }] of looks.entries()) {
    const what = `${entry.key} ${it.isGroup ? 'of the group ' : ''}${phase}`
    const isSeen = !isBlocked && entry.row.shows === 'other'
    if (isSeen) t.not(first[index], second[index], `${what} shows what the other one does`)
    else t.equal(first[index], second[index], `${what} shows nothing of the other one`)
    if (isBlocked) await requireAlike(scenario, entry, { words: it, others, shown: second[index] ?? '' })
  }
}

interface Places {
  readonly direct: Words
  readonly group: Words
}

/** A new message of the actor’s that the other has not read, in both conversations. */
async function talk({ scene }: Scenario, phase: string): Promise<Places> {
  const { actor, other: peer, say } = scene
  const words = async (conv: string, isGroup: boolean): Promise<Words> => {
    const theirs = await say(peer, conv, `Theirs ${phase}`)
    const own = await say(actor, conv, `Own ${phase}`)
    const about = { actor, peer, conv, isGroup, text: '', sought: '', req: '' }
    return { ...about, msg: own.id, theirs: theirs.id, seq: own.seq }
  }
  return { direct: await words(scene.direct, false), group: await words(scene.group, true) }
}

function wordsFor({ row }: Entry<View>, { direct, group }: Places): Words[] {
  if (row.where === undefined) return [direct, group]
  return [row.where === 'direct' ? direct : group]
}

async function lookAtAll({ t, driver }: Scenario, looks: readonly { entry: Entry; words: Words }[]): Promise<string[]> {
  const shown: string[] = []
  for (const { entry, words } of looks) {
    const { code, text } = await driver.say(entry, words)
    t.equal(code, 'ok', `${entry.key}: ${code === 'ok' ? '' : text}`)
    shown.push(text)
  }
  return shown
}

/** The other one does everything that can be seen of somebody. */
async function stir({ scene: { server, other, direct, group } }: Scenario, phase: Phase): Promise<void> {
  const status = phase === 'when blocked' ? 'online' : 'offline'
  const avatarUrl = `https://example.com/${encodeURIComponent(phase)}.png`
  const profile = { bio: `Bio ${phase}`, statusText: `Status ${phase}`, avatarUrl }
  const calls = [
    await server.call(other, 'PUT', '/v1/presence', { status }),
    await server.call(other, 'PATCH', '/v1/users/me', profile),
    await server.call(other, 'POST', `/v1/conversations/${direct}/receipts`, { readSeq: 1_000_000 }),
    await server.call(other, 'POST', `/v1/conversations/${group}/receipts`, { readSeq: 1_000_000 })
  ]
  for (const { status: answered, text } of calls) if (answered >= 300) throw new Error(text)
}

interface Compared {
  readonly words: Words
  readonly others: Others
  readonly shown: string
}

/** Shows the same of somebody who never came. */
async function requireAlike({ t, driver, scene }: Scenario, entry: Entry<View>, { words, others, shown }: Compared) {
  if (entry.row.as === undefined) return
  const like = others[entry.row.as]
  const { text } = await driver.say(entry, { ...words, peer: like })
  const { displayName } = (await scene.server.call(scene.actor, 'GET', `/v1/users/${words.peer.id}`)).body
  const theirs = (await scene.server.call(scene.actor, 'GET', `/v1/users/${like.id}`)).body
  const renamed = text
    .replaceAll(like.hex, words.peer.hex)
    .replaceAll(like.username, words.peer.username)
    .replaceAll(theirs.displayName, displayName)
  t.equal(shown, renamed, `${entry.key} when blocked is that of somebody ${entry.row.as}`)
}

interface Wanted {
  readonly words: Words
  readonly isFound: boolean
  readonly phase: string
}

async function requireFound({ t, driver }: Scenario, entry: Entry<Search>, { words, isFound, phase }: Wanted) {
  const { finds, in: part } = entry.row
  const sought = finds === 'all' ? '' : words.peer[finds]
  const partOf = (answer: string) => (part === undefined ? answer : JSON.stringify(JSON.parse(answer)[part]))
  const { code, text: answer } = await driver.say(entry, { ...words, sought })
  const text = partOf(answer)
  t.equal(code, 'ok', `${entry.key}: ${text}`)
  t.equal(text.includes(words.peer.hex), isFound, `${entry.key} by ${finds} ${phase}`)
  if (isFound || finds === 'all') return
  const nobody = await driver.say(entry, { ...words, sought: NOBODY[finds] })
  t.equal(text, partOf(nobody.text), `${entry.key} by ${finds} ${phase} finds what is found when there is nobody`)
}
