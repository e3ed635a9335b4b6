import type { Test } from 'tap'
import type { Person, TestServer } from '../../helper.ts'
import { PacketClient } from '../../packet-client.ts'
import { SAY } from './cases.ts'
import { type Asked, ask } from './request.ts'
import { codeOf, type Place, shapeOfBody } from './table.ts'

/** Outcome of a request, over REST or a socket. */
export interface Outcome {
  readonly isGranted: boolean
  /** Of REST alone. */
  readonly status: number | undefined
  readonly code: string | undefined
  /** Whether a refusal has the shape that its app looks for. */
  readonly isCivil: boolean
  readonly text: string
}

interface Driver {
  ask(name: string, data: unknown): Promise<{ error?: unknown }>
}

/** Asks in the words of any face, on a connection of its own for each person. */
export class Voice {
  readonly #t: Test
  readonly #server: TestServer
  readonly #drivers = new Map<string, Promise<Driver>>()

  constructor(t: Test, server: TestServer) {
    this.#t = t
    this.#server = server
  }

  async ask(who: Person, place: Place, asked: Asked): Promise<Outcome> {
    if (place.method === SAY) return await this.#say(who, place, asked.body)
    const { status, body, text } = await ask(this.#server, who, place, asked)
    const isCivil = place.refusals.includes(shapeOfBody(body))
    return { isGranted: status < 400, status, code: codeOf(body), isCivil, text }
  }

  /** The connection that somebody asks on. */
  async open(who: Person, { face }: Place): Promise<Driver> {
    const key = `${face} ${who.hex}`
    const opening = this.#drivers.get(key) ?? this.#open(who, face)
    this.#drivers.set(key, opening)
    return await opening
  }

  async #say(who: Person, place: Place, data: unknown): Promise<Outcome> {
    const answer = await (await this.open(who, place)).ask(place.url, data)
    const { error } = answer
    const text = JSON.stringify(answer)
    const isCivil = /^code message( requestId)?( retry)?$/.test(shapeOfBody(error))
    return { isGranted: error === undefined, status: undefined, code: codeOf({ error }), isCivil, text }
  }

  async #open(who: Person, face: string): Promise<Driver> {
    if (face !== 'canonical') {
      return await PacketClient.open(this.#t, this.#server.url, { namespace: `/${face}`, auth: { token: who.token } })
    }
    const socket = await this.#server.connect(who)
    const refusalOf = (error: { error: unknown }) => ({ error: error.error })
    return { ask: async (name, data) => await socket.ask(name, data).catch(refusalOf) }
  }
}
