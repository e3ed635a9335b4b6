import { readFile, writeFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { App } from './apps/app.ts'
import { normalised } from './apps/tape.ts'
import type { Speaker, Talk } from './talk.ts'

const FOLDER = new URL('../../../test/dialects/transcripts/', import.meta.url)
const RENEW = 'RENEW_TRANSCRIPTS'
/** Time the last events may take, ms. */
const PATIENCE_MS = 10_000
/** May be lost, come at any time, or not at all: what people do now, and how far messages have come. */
const FLEETING =
  /^(ready|ping|presence|user:|userStatus|typing|seen|catchup|delivered|read_up_to|receipt:|message:read)/

/** Transcript of requests, replies and events, the same for every run. */
function transcriptOf({ recorder, ann, ben, cleo }: Talk): object {
  const heard = { ann: heardBy(ann), ben: heardBy(ben), cleo: heardBy(cleo) }
  return JSON.parse(JSON.stringify(normalised({ steps: recorder.steps, heard })))
}

/** By the names of events: different streams are not in one order. */
function heardBy({ listener }: Speaker): Record<string, unknown[]> {
  const byName: Record<string, unknown[]> = {}
  for (const { name, data } of listener.heard) {
    if (!FLEETING.test(name)) byName[name] = [...(byName[name] ?? []), data]
  }
  return Object.fromEntries(Object.entries(byName).sort(([one], [other]) => one.localeCompare(other)))
}

/**
 * Compares a talk with the recorded one, word for word. To record it anew, because an app’s API has changed on
 * purpose: `RENEW_TRANSCRIPTS=1 npm test -- dialects/scenario`; then read the difference, and format it with Biome.
 */
export async function requireTranscript(t: Test, { name }: App, talk: Talk): Promise<void> {
  const file = new URL(`${name.replace(' ', '-')}.json`, FOLDER)
  if (process.env[RENEW]) {
    await pause(PATIENCE_MS / 5)
    await writeFile(file, `${JSON.stringify(transcriptOf(talk), null, 2)}\n`)
  }
  const recorded = JSON.parse(await readFile(file, 'utf8'))
  const deadline = Date.now() + PATIENCE_MS
  while (!isDeepStrictEqual(transcriptOf(talk), recorded) && Date.now() < deadline) await pause(50)
  t.same(transcriptOf(talk), recorded, `as recorded; ${RENEW}=1 records it anew`)
}
