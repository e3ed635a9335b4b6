import type { Test } from 'tap'
import { commands as canonicalCommands } from '../../../protocol/index.ts'
import type { Person, TestServer } from '../../kit/helper.ts'
import { PacketClient } from '../../kit/packet-client.ts'
import { Refusal, type SocketClient } from '../../kit/socket-client.ts'
import { ask, fieldsOf, kindOf, NO_IDS, requestFor } from '../routes/request.ts'
import { allDialects, canonicalPlaces, codeOf, dialectPlaces, type Place } from '../routes/table.ts'
import type { MeaningName, Words } from './meanings.ts'

/** Request of an action: fields not given here are made from the tables. */
interface Asked {
  readonly params?: (words: Words) => object
  readonly query?: (words: Words) => object
  readonly body?: (words: Words) => object
  /** Kind of conversation where it is possible, if not everywhere. */
  readonly where?: 'direct' | 'group'
}

/** An action of the actor’s that concerns the other one. */
export interface Act extends Asked {
  readonly means: MeaningName
  /** Needs somebody with a number. */
  readonly hasPhone?: true
  /** Reads whatever there is, and so comes after what reads a part. */
  readonly isLast?: true
}

/** A look at something. */
export interface View extends Asked {
  /** `other` shows something of the other one, `nothing` does not. */
  readonly shows: 'other' | 'nothing'
  /** Shows of who is apart what it shows of this one: a stranger who never came, or one who is apart too. */
  readonly as?: 'stranger' | 'apart'
}

/** A search for people. */
export interface Search extends Asked {
  readonly finds: 'username' | 'phone' | 'all'
  /** Part of the answer in which people are; one’s own chats are found by their names all the same. */
  readonly in?: 'users'
}

/** `own` concerns nobody else and names nobody; `block` is what blocks; `operators` is for neither of the two. */
type Rows = 'own' | 'block' | 'operators' | Act | View | Search | readonly (Act | View | Search)[]

/** Meanings of the routes and commands of one API. */
export interface Face {
  /** `canonical`, or a dialect. */
  readonly name: string
  readonly routes?: Readonly<Record<string, Rows>>
  readonly commands?: Readonly<Record<string, Rows>>
  /** Request that blocks; Parley’s own API if there is none. */
  readonly block?: { readonly key: string; readonly undo: string; readonly body: (is: boolean, peer: Person) => object }
}

export type Row = Act | View | Search
/** A row, and what it is of: `GET /users/:id`, or a command. */
export interface Entry<R extends Row = Row> {
  readonly key: string
  readonly row: R
}

/** Answer to a request. */
export interface Said {
  /** `ok`, or the code of the refusal. */
  readonly code: string | undefined
  readonly text: string
}

/** Entries of a face. */
export function entriesOf({ routes = {}, commands = {} }: Face): Entry[] {
  return Object.entries({ ...routes, ...commands }).flatMap(([key, rows]) => {
    if (rows === 'own' || rows === 'block' || rows === 'operators') return []
    return [rows].flat().map(row => ({ key, row: row as Row }))
  })
}

/** Routes, commands and events by the tables of the server itself. */
export class Tables {
  readonly places: ReadonlyMap<string, Place>
  readonly commands: readonly string[]
  /** The canonical events that each dialect’s sockets tell. */
  readonly events: ReadonlyMap<string, ReadonlySet<string>>

  private constructor(parts: Pick<Tables, 'places' | 'commands' | 'events'>) {
    this.places = parts.places
    this.commands = parts.commands
    this.events = parts.events
  }

  /** Without what needs no token: nobody’s name is in it. */
  static async read(t: Test, name: string): Promise<Tables> {
    const dialects = await allDialects(t)
    const all = [...canonicalPlaces(), ...dialectPlaces(dialects)].filter(it => it.face === name && !it.isPublic)
    const places = new Map<string, Place>()
    // At the root, where its apps ask; under the name of the dialect where another one answers there.
    for (const place of all) {
      const key = `${place.method} ${place.url.replace(`/${name}/`, '/')}`
      if (!places.has(key)) places.set(key, place)
    }
    const realtime = dialects.find(it => it.name === name)?.realtime
    const commands = realtime?.commands.types ?? canonicalCommands.map(({ type }) => type)
    return new Tables({
      places,
      commands,
      events: new Map(dialects.map(it => [it.name, new Set(Object.keys(it.realtime.translations))]))
    })
  }

  /** Whether a route names something that may be somebody else’s. */
  names(key: string): boolean {
    const place = this.places.get(key)
    const fields = place === undefined ? [] : fieldsOf(place)
    return fields.some(field => kindOf(field) !== undefined && !['sessionId', 'fileId'].includes(field.path.join()))
  }
}

/** Driver of a face: its routes, and its commands on a socket. */
export class Driver {
  readonly #server: TestServer
  readonly #who: Person
  readonly #tables: Tables
  readonly #socket: PacketClient | SocketClient | undefined

  private constructor(server: TestServer, who: Person, tables: Tables, socket?: PacketClient | SocketClient) {
    this.#server = server
    this.#who = who
    this.#tables = tables
    this.#socket = socket
  }

  /** With a socket. */
  static async open(
    t: Test,
    { name }: Face,
    { server, who, tables }: { server: TestServer; who: Person; tables: Tables }
  ): Promise<Driver> {
    const options = { namespace: `/${name}`, auth: { token: who.token } }
    const isCanonical = name === 'canonical'
    const socket = isCanonical ? await server.connect(who) : await PacketClient.open(t, server.url, options)
    return new Driver(server, who, tables, socket)
  }

  /** Without a socket: what is sent to the person counts as delivered nowhere. */
  static withoutSocket({ server, who, tables }: { server: TestServer; who: Person; tables: Tables }): Driver {
    return new Driver(server, who, tables)
  }

  async say({ key, row }: Entry, words: Words): Promise<Said> {
    const place = this.#tables.places.get(key)
    return place === undefined ? await this.#command(key, row, words) : await this.#ask(place, row, words)
  }

  async #ask(place: Place, { params, query, body }: Asked, words: Words): Promise<Said> {
    const asked = requestFor(
      place,
      { ...NO_IDS, user: words.peer.hex, conv: words.conv, msg: words.msg, req: words.req },
      false
    )
    const {
      status,
      text,
      body: answer
    } = await ask(this.#server, this.#who, place, {
      params: { ...asked.params, ...params?.(words) },
      querystring: { ...asked.querystring, ...query?.(words) },
      body: body?.(words) ?? asked.body
    })
    return { code: status < 300 ? 'ok' : codeOf(answer), text }
  }

  async #command(name: string, { body }: Asked, words: Words): Promise<Said> {
    if (this.#socket === undefined) throw new Error(`${name} needs a socket`)
    const answer = await this.#socket.ask(name, body?.(words) ?? {}).catch((error: unknown) => {
      if (error instanceof Refusal) return { error: error.error }
      throw error
    })
    return { code: answer?.error?.code ?? 'ok', text: JSON.stringify(answer) }
  }
}
