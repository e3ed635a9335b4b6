import type { FastifyInstance } from 'fastify'
import { bareId } from '../../../protocol/ids.ts'
import * as contracts from '../../../protocol/media/routes.ts'
import type { Actor } from '../../actor.ts'
import type { Config } from '../../config/config.ts'
import { type BoundRoute, type Reply, route } from '../../contract/route.ts'
import { noSuchFile } from '../../store/missing.ts'
import { MEBIBYTE } from '../receive.ts'
import { TUS_EXTENSIONS, TUS_VERSION, type Tus, type TusRequest } from './tus.ts'
import type { UploadService } from './uploads.ts'

const PATH = /^\/v1\/uploads(\/|\?|$)/

interface UploadRouteDeps {
  readonly tus: Tus
  readonly uploads: UploadService
}

/** Routes of uploads that can be continued. */
export function uploadRoutes({ tus, uploads }: UploadRouteDeps): BoundRoute[] {
  const answer = async (actor: Actor, asked: TusRequest, reply: Reply) => {
    const { status, headers, upload } = await tus.answer(actor, asked)
    reply.code(status).headers(headers)
    return upload && uploads.present(upload)
  }
  return [
    route(contracts.BeginUpload, async ({ actor, headers, bytes }, reply) => {
      await answer(actor, { method: 'POST', headers, bytes: bytes() }, reply)
    }),
    route(contracts.GetUpload, async ({ actor, params, headers, method }, reply) => {
      // Who reads the body need not speak tus.
      const version = method === 'GET' ? { 'tus-resumable': TUS_VERSION } : {}
      const asked = { method: 'HEAD' as const, fileId: bareId(params.fileId), headers: { ...headers, ...version } }
      const upload = await answer(actor, asked, reply)
      if (upload === undefined) throw noSuchFile()
      return upload
    }),
    route(contracts.ContinueUpload, async ({ actor, params, headers, bytes }, reply) => {
      const asked = { method: 'PATCH' as const, fileId: bareId(params.fileId), headers, bytes: bytes() }
      const upload = await answer(actor, asked, reply)
      // The last bytes are answered by more than that they are there.
      if (upload?.file !== undefined) reply.code(200)
      return upload?.file
    }),
    route(contracts.EndUpload, async ({ actor, params, headers }, reply) => {
      await answer(actor, { method: 'DELETE', fileId: bareId(params.fileId), headers }, reply)
    })
  ]
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
