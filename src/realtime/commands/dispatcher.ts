import { KindGuard, type Static, type TSchema } from '@sinclair/typebox'
import type { Command } from '../../../protocol/envelope.ts'
import type { Actor } from '../../actor.ts'
import { CheckedSchema } from '../../contract/checked-schema.ts'
import type { BoundCommand } from '../../contract/command.ts'
import { AppError } from '../../errors.ts'
import { describeProblem } from '../../validation-message.ts'
import type { Connection } from '../connection.ts'

/** The person who says a command, and on which connection. */
export interface CommandContext {
  readonly actor: Actor
  readonly connection: Connection
}

interface Entry {
  readonly command: Command
  readonly data: CheckedSchema<TSchema>
  readonly read: (data: unknown) => unknown
  readonly handle: BoundCommand<CommandContext>['handle']
}

/** A frame that has the form of a command. */
export interface Envelope {
  readonly id: string | undefined
  readonly type: string
  readonly data: unknown
}

const ID = /^[A-Za-z0-9_.:-]{1,64}$/

/** Reads the envelope of a frame. @throws {AppError} `bad_frame`, `too_large` when nested too deeply, `unsupported_version` */
export function readEnvelope(text: string, maxDepth: number): Envelope {
  const frame = parse(text)
  if (typeof frame !== 'object' || frame === null || Array.isArray(frame)) {
    throw new AppError('bad_frame', 'A frame is a JSON object')
  }
  const { v, id, type, data = {} } = frame as Record<string, unknown>
  if (v !== 1) throw new AppError('unsupported_version', 'This server speaks v 1')
  if (typeof type !== 'string') throw new AppError('bad_frame', 'The type is missing')
  if (id !== undefined && (typeof id !== 'string' || !ID.test(id))) {
    throw new AppError('bad_frame', 'An id is 1 to 64 letters, digits and _ . : -')
  }
  requireDepth(data, maxDepth)
  return { id, type, data }
}

/** The commands of the protocol with their handlers. */
export class Dispatcher {
  readonly #entries = new Map<string, Entry>()

  /** Adds commands; there is exactly one handler for each. */
  add(commands: readonly BoundCommand<CommandContext>[]): this {
    for (const { command, read = asTheyAre, handle } of commands) {
      if (this.#entries.has(command.type)) throw new Error(`${command.type} has two handlers`)
      this.#entries.set(command.type, { command, data: new CheckedSchema(command.data), read, handle })
    }
    return this
  }

  get types(): string[] {
    return [...this.#entries.keys()]
  }

  /** The schema of a command's data. @throws {Error} when there is no such command */
  schemaOf(type: string): TSchema {
    const entry = this.#entries.get(type)
    if (entry === undefined) throw new Error(`There is no command ${type}`)
    return entry.data.schema
  }

  /** Whether a command of this type sends something that a `clientId` names. */
  takesClientId(type: string): boolean {
    const schema = this.#entries.get(type)?.command.data
    return KindGuard.IsObject(schema) && Object.hasOwn(schema.properties, 'clientId')
  }

  /** Whether a command of this type is dropped rather than refused over the limit. */
  isDroppable(type: string): boolean {
    return this.#entries.get(type)?.command.isDroppable === true
  }

  /** Runs a command. @returns its reply's data @throws {AppError} `unknown_type`, `invalid`, and what the handler throws */
  async run(context: CommandContext, { id, type, data: said }: Envelope): Promise<unknown> {
    const entry = this.#entries.get(type)
    if (entry === undefined) throw new AppError('unknown_type', 'There is no such command')
    const data = requireData(entry.data, entry.read(said))
    if (id === undefined && !entry.command.isSilent) throw new AppError('bad_frame', `${type} needs an id`)
    return await entry.handle(context, data)
  }
}

/** Data as its schema describes it. @throws {AppError} `invalid`, naming the first field that is not right */
export function requireData<S extends TSchema>(expected: CheckedSchema<S>, data: unknown): Static<S> {
  if (expected.accepts(data)) return data
  throw new AppError('invalid', describeProblem('data', expected.schema, data))
}

function asTheyAre(data: unknown): unknown {
  return data
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new AppError('bad_frame', 'The frame is not JSON')
  }
}

/** @throws {AppError} `too_large` when it is nested too deeply */
export function requireDepth(value: unknown, left: number): void {
  if (typeof value !== 'object' || value === null) return
  if (left === 0) throw new AppError('too_large', 'The frame is nested too deeply')
  for (const child of Object.values(value)) requireDepth(child, left - 1)
}
