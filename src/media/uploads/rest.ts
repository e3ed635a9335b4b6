import type { FastifyInstance } from 'fastify'
import { bareId } from '../../../protocol/ids.ts'
import * as contracts from '../../../protocol/media/routes.ts'
import type { Config } from '../../config/config.ts'
import { type BoundRoute, type Reply, route } from '../../contract/route.ts'
import { MEBIBYTE } from '../receive.ts'
import { TUS_EXTENSIONS, TUS_VERSION, type Tus, type TusAnswer } from './tus.ts'

const PATH = /^\/v1\/uploads(\/|\?|$)/

/** Routes of uploads that can be continued. */
export function uploadRoutes({ tus }: { readonly tus: Tus }): BoundRoute[] {
  return [
    route(contracts.BeginUpload, async ({ actor, headers, bytes }, reply) => {
      say(reply, await tus.answer(actor, { method: 'POST', headers, bytes: bytes() }))
    }),
    route(contracts.GetUpload, async ({ actor, params, headers }, reply) => {
      say(reply, await tus.answer(actor, { method: 'HEAD', fileId: bareId(params.fileId), headers }))
    }),
    route(contracts.ContinueUpload, async ({ actor, params, headers, bytes }, reply) => {
      const asked = { fileId: bareId(params.fileId), headers, bytes: bytes() }
      const file = say(reply, await tus.answer(actor, { method: 'PATCH', ...asked }))
      // The last bytes are answered by more than that they are there.
      if (file !== undefined) reply.code(200)
      return file
    }),
    route(contracts.EndUpload, async ({ actor, params, headers }, reply) => {
      say(reply, await tus.answer(actor, { method: 'DELETE', fileId: bareId(params.fileId), headers }))
    })
  ]
}

function say(reply: Reply, { status, headers, file }: TusAnswer): TusAnswer['file'] {
  reply.code(status).headers(headers)
  return file
}

/** Says with every answer which version of tus is spoken, and to who asks for it (OPTIONS) what else is. */
export function announceUploads(app: FastifyInstance, { limits }: Pick<Config, 'limits'>): void {
  const offers = {
    'tus-version': TUS_VERSION,
    'tus-extension': TUS_EXTENSIONS.join(),
    'tus-max-size': String(limits.fileMebibytes * MEBIBYTE)
  }
  app.addHook('onRequest', async ({ method, url }, reply) => {
    if (!PATH.test(url)) return
    reply.header('tus-resumable', TUS_VERSION)
    if (method === 'OPTIONS') reply.headers(offers)
    // To one that speaks another.
    else reply.header('tus-version', TUS_VERSION)
  })
}
