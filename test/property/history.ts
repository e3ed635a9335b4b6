import fc from 'fast-check'
import type { Person, TestServer } from '../kit/helper.ts'

const PEOPLE = 4
const CONVERSATIONS = 3
const EMOJIS = ['👍', '🎉', '❤️']

/** Steps that concern oneself alone, and take no `rev` of the conversation. */
const OWN = ['hide', 'clear', 'prefer', 'star', 'unstar']

// What happens more often stands here more often.
const KINDS = [
  ...['send', 'send', 'send', 'send', 'send', 'edit', 'edit', 'react', 'react', 'unreact', 'delete', 'hide'],
  ...['pin', 'pin', 'unpin', 'star', 'star', 'unstar'],
  ...[
    'add',
    'add',
    'add',
    'remove',
    'leave',
    'role',
    'rename',
    'clear',
    'prefer',
    'cut',
    'cut',
    'reconnect',
    'reconnect'
  ]
] as const

/** Something that somebody does; the numbers choose among what there is. */
export interface Step {
  readonly kind: (typeof KINDS)[number]
  readonly who: number
  readonly whom: number
  readonly where: number
  readonly pick: number
  readonly node: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(...KINDS),
  who: fc.nat(PEOPLE - 1),
  whom: fc.nat(PEOPLE - 1),
  where: fc.nat(CONVERSATIONS - 1),
  pick: fc.nat(1_000),
  node: fc.nat(1)
})

/** A history: what is in one group happens at once. */
export function histories(groups: number, atOnce: number): fc.Arbitrary<Step[][]> {
  return fc.array(fc.array(step, { minLength: Math.ceil(atOnce / 2), maxLength: atOnce, size: 'max' }), {
    minLength: Math.ceil(groups / 2),
    maxLength: groups,
    size: 'max'
  })
}

/** Number of histories: a few, or as many as `PROPERTY_RUNS` says for a longer look. */
export function runs(few: number): number {
  return Number(process.env['PROPERTY_RUNS'] ?? few)
}

/** The seed of a run: random histories, the same ones again for the same seed. */
export function seed(): number {
  return Number(process.env['PROPERTY_SEED'] ?? 20_261_121)
}

/** A few people in two groups and a direct conversation, over several processes. */
export class World {
  readonly people: readonly Person[]
  readonly conversations: readonly string[]
  /** The `rev` of everything that was changed, by conversation. */
  readonly revs = new Map<string, number[]>()
  /** Steps that changed something. */
  changes = 0
  readonly #nodes: readonly TestServer[]
  readonly #messages = new Map<string, string[]>()
  #clientIds = 0

  private constructor(nodes: readonly TestServer[], people: readonly Person[], conversations: readonly string[]) {
    this.#nodes = nodes
    this.people = people
    this.conversations = conversations
  }

  static async create(nodes: readonly TestServer[]): Promise<World> {
    const [server] = nodes as [TestServer]
    const people = (await server.people(PEOPLE)) as [Person, Person, Person, Person]
    const [ann, ben, cleo] = people
    const conversations = await Promise.all([
      server.group(ann, ben, cleo),
      server.group(ben, ann),
      server.direct(ann, ben)
    ])
    const world = new World(nodes, people, conversations)
    const sends = conversations.map(
      (_, where) => ({ kind: 'send', who: 1, whom: 0, where, pick: where, node: where }) as const
    )
    await Promise.all([...sends, ...sends].map(async send => await world.act(send)))
    return world
  }

  node(index: number): TestServer {
    return this.#nodes[index % this.#nodes.length] as TestServer
  }

  person(index: number): Person {
    return this.people[index % this.people.length] as Person
  }

  conversation(index: number): string {
    return this.conversations[index % this.conversations.length] as string
  }

  /** Does it, allowed or not. @throws {Error} when the server fails at it */
  async act(step: Step): Promise<void> {
    const id = this.conversation(step.where)
    const request = this.#request(step, id)
    if (request === undefined) return
    const [method, path, body] = request
    const answer = await this.node(step.node).call(
      this.person(step.who),
      method,
      `/v1/conversations/${id}${path}`,
      body
    )
    if (answer.status >= 500) throw new Error(`${step.kind}: ${answer.status} ${JSON.stringify(answer.body)}`)
    if (answer.status >= 300) return
    this.changes += 1
    if (!OWN.includes(step.kind)) this.revs.set(id, [...(this.revs.get(id) ?? []), answer.body.rev])
    if (step.kind === 'send') this.#messages.set(id, [...(this.#messages.get(id) ?? []), answer.body.id])
  }

  #request({ kind, whom, pick }: Step, id: string): [string, string, object?] | undefined {
    const other = this.person(whom).id
    const about: Record<string, [string, string, object?]> = {
      send: ['POST', '/messages', { clientId: `c${this.#clientIds++}`, text: `Text ${pick}` }],
      add: ['POST', '/members', { userIds: [other] }],
      remove: ['DELETE', `/members/${other}`],
      leave: ['POST', '/leave'],
      role: ['PATCH', `/members/${other}`, { role: (['member', 'admin', 'owner'] as const)[pick % 3] }],
      rename: ['PATCH', '', { name: `Name ${pick}` }],
      clear: ['DELETE', '/messages'],
      prefer: ['PATCH', '/preferences', { pinned: pick % 2 === 0, nickname: `Name ${pick % 3}` }]
    }
    return about[kind] ?? this.#messageRequest(kind, pick, this.#messages.get(id) ?? [])
  }

  #messageRequest(kind: string, pick: number, ids: readonly string[]): [string, string, object?] | undefined {
    if (ids.length === 0) return undefined
    const path = `/messages/${ids[pick % ids.length]}`
    const emoji = EMOJIS[pick % EMOJIS.length] as string
    const about: Record<string, [string, string, object?]> = {
      edit: ['PATCH', path, { text: `Edited ${pick}` }],
      delete: ['DELETE', path],
      hide: ['DELETE', `${path}?scope=me`],
      pin: ['PUT', `${path}/pin`],
      unpin: ['DELETE', `${path}/pin`],
      star: ['PUT', `${path}/star`],
      unstar: ['DELETE', `${path}/star`],
      react: ['POST', `${path}/reactions`, { emoji }],
      unreact: ['DELETE', `${path}/reactions/${encodeURIComponent(emoji)}`]
    }
    return about[kind]
  }
}
