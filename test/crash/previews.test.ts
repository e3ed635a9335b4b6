import { setTimeout as pause } from 'node:timers/promises'
import { ObjectId } from 'mongodb'
import t from 'tap'
import type { MessageDoc } from '../../src/store/documents.ts'
import { openDatabase } from '../kit/databases.ts'
import { ownDatabase } from '../kit/helper.ts'
import { html, openSite } from '../messages/previews/site.ts'
import { ServerProcess, type Somebody } from './rig.ts'

const ENV = {
  LINK_PREVIEWS: 'on',
  LINK_PREVIEW_ALLOW: '127.0.0.1',
  TIMINGS_PREVIEW_MS: '50',
  TIMINGS_LEASE_MS: '1000'
}
const MESSAGES = 10

t.test('G2 previews of a server that is killed are made by another one, each once', async t => {
  let isHeld = true
  const site = await openSite(t, {
    '/page': (response, request) => {
      if (!isHeld) html(`<title>Page ${request.url?.split('?')[1]}</title>`)(response, request)
    }
  })
  const uri = ownDatabase(t)
  const server = await ServerProcess.run(t, uri, ENV)
  const [ann, ben] = (await server.people(2)) as [Somebody, Somebody]
  const { id } = await server.call(ann, 'POST', '/conversations', { type: 'direct', userId: ben.id })
  const ids: string[] = []
  for (let number = 0; number < MESSAGES; number += 1) {
    const body = { clientId: `c-${number}`, text: `${site.url}/page?${number}` }
    ids.push((await server.call(ann, 'POST', `/conversations/${id}/messages`, body)).id)
  }
  while (site.asked.length === 0) await pause(20)
  await server.kill()
  isHeld = false
  const other = await ServerProcess.run(t, uri, ENV)
  const messages = (await openDatabase(t, uri)).db().collection<MessageDoc>('messages')
  while ((await messages.countDocuments({ previewDueAt: { $exists: true } })) > 0) await pause(50)
  for (const [number, messageId] of ids.entries()) {
    const message = await messages.findOne({ _id: new ObjectId(messageId.slice(-24)) })
    t.equal(message?.preview?.title, `Page ${number}`)
  }
  const { messages: page, rev } = await other.call(ben, 'GET', `/conversations/${id}/messages`)
  t.equal(page.length, MESSAGES)
  t.equal(rev, 1 + MESSAGES * 2, 'each was changed once')
})
