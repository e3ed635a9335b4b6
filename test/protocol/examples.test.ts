import { readFile } from 'node:fs/promises'
import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import { commands, events } from '../../protocol/index.ts'
import { DEFAULT_LIMITS } from '../../protocol/limits.ts'
import { readEnvelope } from '../../src/realtime/commands/dispatcher.ts'

interface Example {
  name: string
  frame: { id?: string; type: string; stream?: string; rev?: number; data?: unknown }
  valid: boolean
  why?: string
}

const read = async (name: string): Promise<Example[]> =>
  JSON.parse(await readFile(new URL(`../../../protocol/examples/${name}.json`, import.meta.url), 'utf8'))

const examples = (await Promise.all(['session', 'message', 'conversation', 'live', 'people', 'timed'].map(read))).flat()
const isEvent = ({ name, frame }: Example): boolean =>
  events.some(({ type, isDurable }) => type === frame.type && (isDurable || !commands.some(it => it.type === type))) ||
  name.includes(': event: ')

t.test('envelopes are read or refused as the examples say', async t => {
  for (const { name, frame, valid, why } of await read('envelope')) {
    const act = (): unknown => readEnvelope(JSON.stringify(frame), DEFAULT_LIMITS.depth)
    if (valid) t.doesNotThrow(act, name)
    else t.throws(act, { code: why }, name)
  }
})

t.test('commands and events are valid or not as the examples say', async t => {
  for (const example of examples) {
    const { name, frame, valid, why } = example
    const schema = (isEvent(example) ? events : commands).find(({ type }) => type === frame.type)?.data
    if (!isEvent(example)) t.equal(readEnvelope(JSON.stringify(frame), DEFAULT_LIMITS.depth).type, frame.type)
    t.equal(
      schema !== undefined && Value.Check(schema, frame.data),
      valid,
      why === undefined ? name : `${name} is refused`
    )
    t.equal(valid, why === undefined, `${name}: invalid ones say why`)
  }
})

t.test('every command and event has a valid and an invalid example, and durable ones their place', async t => {
  for (const { type } of commands) {
    const own = examples.filter(example => example.frame.type === type && !isEvent(example))
    t.ok(own.some(({ valid }) => valid) && own.some(({ valid }) => !valid), `command ${type}`)
  }
  for (const { type, isDurable } of events) {
    const own = examples.filter(example => example.frame.type === type && isEvent(example))
    t.ok(own.some(({ valid }) => valid) && own.some(({ valid }) => !valid), `event ${type}`)
    t.ok(
      own.every(({ frame }) => (frame.rev !== undefined && frame.stream !== undefined) === isDurable),
      `place of ${type}`
    )
  }
})
