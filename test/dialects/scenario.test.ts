import t from 'tap'
import { startServer } from '../helper.ts'
import type { App } from './apps/app.ts'
import { canonicalRest } from './apps/canonical.ts'
import { APPS } from './apps/index.ts'
import { Recorder } from './apps/tape.ts'
import { remains, speaker, talk } from './talk.ts'
import { requireTranscript } from './transcripts.ts'

/** State that the talk leaves when it is held by Parley’s own API. */
let expected: object | undefined

for (const app of [canonicalRest, ...APPS.filter(it => it !== canonicalRest)]) {
  t.test(`a talk through ${app.name} leaves what it leaves through every other app`, async t => {
    const server = await startServer(t)
    const held = await talk(t, app, server)
    const left = await remains(t, server.uri, held)
    expected ??= left
    t.same(left, expected)
    t.match(left, { messages: [{ text: 'Hello there', isEdited: true }] }, 'and that is not nothing')
    await requireTranscript(t, app, held)
  })
}

t.test('every app hears every other', async t => {
  const server = await startServer(t)
  const recorder = new Recorder()
  const enter = async (app: App) => {
    const person = await server.person()
    return { app, at: await speaker(t, app, server, { person, label: app.name, recorder }) }
  }
  const all = await Promise.all(APPS.map(enter))
  for (const { app: from, at: sender } of all) {
    for (const { app: to, at: reader } of all.filter(({ app }) => app !== from)) {
      await t.test(`a message from ${from.name} arrives in ${to.name}`, async t => {
        const peer = reader.person
        const chat = { id: await sender.start(peer), peer }
        const texts = [`From ${from.name}`, `Again from ${from.name}`]
        for (const text of texts) {
          await sender.send(chat, text)
          await reader.listener.hear(to.event, data => to.textOf(data) === text)
        }
        // Everything is told in order: what came twice would have come before the second one.
        const heard = reader.listener.heard.filter(({ name }) => name === to.event).map(({ data }) => to.textOf(data))
        t.same(
          heard.filter(text => texts.includes(text)),
          texts
        )
      })
    }
  }
})
