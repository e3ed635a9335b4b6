import fc from 'fast-check'
import type { Socket } from 'socket.io-client'
import type { Test } from 'tap'
import { ERRORS } from '../../protocol/errors.ts'
import { DEFAULT_LIMITS } from '../../protocol/limits.ts'
import { PacketClient } from '../kit/packet-client.ts'
import type { Findings } from './findings.ts'
import { type CommandData, sayings } from './frames.ts'
import { valuesOf } from './values.ts'
import type { Who, World } from './world.ts'

const PATIENCE_MS = 15_000
/** A packet of as many bytes as a frame may have ends the connection; it is a little larger than its data. */
const LARGE_BYTES = DEFAULT_LIMITS.frameInBytes - 1_024

interface Options {
  readonly dialect: string
  readonly commands: readonly CommandData[]
  readonly seed: number
  /** Of each command. */
  readonly cases: number
}

/** Says every command of a dialect over socket.io, rightly, nearly so and badly; each is acknowledged once. */
export async function fuzzPackets(
  t: Test,
  world: World,
  findings: Findings,
  { dialect, commands, seed, cases }: Options
): Promise<void> {
  const sockets = new Map<Who, Socket>()
  const open = async (who: Who): Promise<Socket> => {
    const kept = sockets.get(who)
    if (kept?.connected) return kept
    kept?.close()
    const options = { namespace: `/${dialect}`, auth: { token: world.tokenOf(who) ?? '' } }
    const { socket } = await PacketClient.open(t, world.server.url, options)
    sockets.set(who, socket)
    return socket
  }
  for (const [index, { type, data }] of commands.entries()) {
    const right = valuesOf(data, ref => {
      throw new Error(`${ref} is in no document`)
    })
    for (const it of fc.sample(sayings(right), { seed: seed + index, numRuns: cases })) {
      const text = JSON.stringify(it.data)
      const answer = await acknowledged(await open(it.who), type, it.data)
      findings.note(`/socket.io/ /${dialect} ${type}`, {
        outcome: codeOf(answer) ?? 'granted',
        problem: problemOf(answer, Buffer.byteLength(text)),
        example: () => `${text} => ${JSON.stringify(answer)}`
      })
    }
  }
  for (const socket of sockets.values()) socket.close()
}

const SILENCE = { error: { code: 'silence' } }

async function acknowledged(socket: Socket, type: string, data: unknown): Promise<unknown> {
  const answer = socket
    .timeout(PATIENCE_MS)
    .emitWithAck(type, data)
    .catch(() => SILENCE)
  const end = new Promise(resolve => {
    socket.once('disconnect', message => resolve({ error: { code: 'closed', message } }))
  })
  return await Promise.race([answer, end])
}

function problemOf(answer: unknown, bytes: number): string | undefined {
  const code = codeOf(answer)
  if (code === undefined) return undefined
  if (code === 'silence') return 'is not acknowledged'
  if (code === 'closed') return bytes > LARGE_BYTES ? undefined : 'ends the connection'
  return code in ERRORS && code !== 'internal' ? undefined : `answers ${code}`
}

function codeOf(answer: unknown): string | undefined {
  const { error } = (answer ?? {}) as { error?: { code?: string } | null }
  return error?.code
}
