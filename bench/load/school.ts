import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { MongoClient, ObjectId } from 'mongodb'
import { Histogram } from '../stats.ts'
import { inParallel } from './parley-rest.ts'
import type { Target } from './wire.ts'

const PASSWORD = 'correct horse battery'
/** Addresses of documentation (RFC 5737): the school's, and that of who attacks from elsewhere. */
const SCHOOL = '203.0.113.7'
const ELSEWHERE = '198.51.100.9'
/** Looks at a code while its picture is shown. */
const LOOKS = 5
/** People whose accounts are attacked meanwhile. */
const ATTACKED = 10

/** People behind one address, all of whom come within a time. */
export interface School {
  readonly target: Target
  readonly people: number
  readonly withinMs: number
}

/** Outcome of their sign-ins. */
export interface SchoolResult {
  readonly signedIn: number
  readonly streams: number
  readonly refreshed: number
  readonly codes: number
  /** Refusals, by what was asked and the status. */
  readonly refused: Readonly<Record<string, number>>
  readonly signInP50Ms: number
  readonly signInP99Ms: number
  /** Wrong passwords and codes that were tried meanwhile from elsewhere. */
  readonly attacks: number
}

/** Makes the accounts, straight in the database: their passwords are hashed once. */
export async function seedSchool({ target, people }: Omit<School, 'withinMs'>): Promise<number> {
  const first = { username: 'pupil-0', password: PASSWORD }
  await new Visitor(target, SCHOOL).ask('POST', '/v1/auth/register', first)
  const client = await MongoClient.connect(target.mongoUri)
  const users = client.db().collection('users')
  const made = await users.findOne({ usernameKey: first.username })
  const others = Array.from({ length: people - 1 }, (_, index) => {
    const username = `pupil-${index + 1}`
    const phone = `+4915112${String(index).padStart(6, '0')}`
    return { ...made, _id: new ObjectId(), username, usernameKey: username, phone, phoneVerifiedAt: new Date() }
  })
  await users.insertMany(others)
  await client.close()
  return people
}

/** Everybody signs in, opens an event stream, refreshes, and shows a QR code; a stranger attacks ten of them. */
export async function openSchool({ target, people, withinMs }: School): Promise<SchoolResult> {
  const visitor = new Visitor(target, SCHOOL)
  const stopped = new AbortController()
  const attack = attackFromElsewhere(target, stopped.signal)
  const counts = { signedIn: 0, streams: 0, refreshed: 0, codes: 0 }
  const signIns = new Histogram()
  const startedAt = performance.now()
  await inParallel(Array.from({ length: people }), people, async (_, index) => {
    await sleep((index / people) * withinMs - (performance.now() - startedAt))
    const sentAt = performance.now()
    const signedIn = await visitor.ask('POST', '/v1/auth/login', { username: `pupil-${index}`, password: PASSWORD })
    if (signedIn === undefined) return
    signIns.add(performance.now() - sentAt)
    counts.signedIn += 1
    const closeStream = await visitor.openStream(String(signedIn['accessToken']))
    counts.streams += closeStream === undefined ? 0 : 1
    const refreshed = await visitor.ask('POST', '/v1/auth/refresh', { refreshToken: signedIn['refreshToken'] })
    counts.refreshed += refreshed === undefined ? 0 : 1
    const isShown = await visitor.showCode(index)
    counts.codes += isShown ? 1 : 0
    closeStream?.()
  })
  stopped.abort()
  return {
    ...counts,
    refused: visitor.refused,
    signInP50Ms: signIns.percentile(0.5),
    signInP99Ms: signIns.percentile(0.99),
    attacks: await attack
  }
}

/** Wrong passwords and codes for ten people, as fast as they are answered. @returns how many */
async function attackFromElsewhere(target: Target, signal: AbortSignal): Promise<number> {
  const attacker = new Visitor(target, ELSEWHERE)
  let attacks = 0
  await inParallel(Array.from({ length: ATTACKED }), ATTACKED, async (_, index) => {
    const phone = `+4915112${String(index).padStart(6, '0')}`
    while (!signal.aborted) {
      await attacker.ask('POST', '/v1/auth/login', { username: `pupil-${index + 1}`, password: 'wrong password' })
      await attacker.ask('POST', '/v1/auth/otp', { purpose: 'login', phone })
      await attacker.ask('POST', '/v1/auth/otp/verify', { purpose: 'login', phone, code: '000000' })
      attacks += 2
      await sleep(50)
    }
  })
  return attacks
}

/** Somebody at an address. */
class Visitor {
  readonly refused: Record<string, number> = {}
  readonly #url: string
  readonly #address: string

  constructor({ url }: Target, address: string) {
    this.#url = url
    this.#address = address
  }

  /** @returns the body, or undefined of a refusal, which is counted */
  async ask(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {}
  ): Promise<Record<string, unknown> | undefined> {
    const response = await fetch(this.#url + path, {
      method,
      headers: {
        'x-forwarded-for': this.#address,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers
      },
      ...(body !== undefined && { body: JSON.stringify(body) })
    })
    const text = await response.text()
    if (response.ok) return text.startsWith('{') ? JSON.parse(text) : {}
    const name = `${method} ${path.replace(/\/qr\/[^/]+/, '/qr/…')} ${response.status}`
    this.refused[name] = (this.refused[name] ?? 0) + 1
    return undefined
  }

  /** @returns what closes it, or undefined of a refusal */
  async openStream(token: string): Promise<(() => void) | undefined> {
    const headers = { authorization: `Bearer ${token}`, 'x-forwarded-for': this.#address }
    const asked = request(`${this.#url}/v1/events`, { headers, agent: false }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    if (response.statusCode === 200) {
      response.on('error', () => undefined).resume()
      return () => void response.destroy()
    }
    const name = `GET /v1/events ${response.statusCode}`
    this.refused[name] = (this.refused[name] ?? 0) + 1
    response.destroy()
    return undefined
  }

  /** A device that is signed out shows a code, and looks whether it was approved. */
  async showCode(index: number): Promise<boolean> {
    const made = await this.ask('POST', '/v1/auth/qr', { device: { id: `desk-${index}`, platform: 'web' } })
    if (made === undefined) return false
    const secret = { 'device-secret': String(made['deviceSecret']) }
    const looks = [await this.ask('GET', `/v1/auth/qr/${made['token']}/image`)]
    for (let look = 0; look < LOOKS; look++) {
      await sleep(1_000)
      looks.push(await this.ask('GET', `/v1/auth/qr/${made['token']}`, undefined, secret))
    }
    return !looks.includes(undefined)
  }
}
