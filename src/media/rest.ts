import type { FastifyInstance } from 'fastify'
import * as contracts from '../../protocol/media/routes.ts'
import type { Config } from '../config/config.ts'
import { type BoundRoute, route } from '../contract/route.ts'
import { AppError } from '../errors.ts'
import { omitUndefined } from '../omit-undefined.ts'
import { baseOf, fileLinks } from '../present/file-links.ts'
import type { FileContents } from './contents.ts'
import type { FileService } from './files.ts'
import { announceUploads, uploadRoutes } from './uploads/rest.ts'
import type { Tus } from './uploads/tus.ts'
import type { UploadService } from './uploads/uploads.ts'

/** Settings by which this server has its name. */
type NamedBy = Pick<Config, 'FILE_LINK_TTL' | 'PUBLIC_URL' | 'HOST' | 'limits'> & {
  readonly JWT_SECRET: readonly string[]
}

interface FileRouteDeps {
  readonly files: FileService
  readonly contents: FileContents
  readonly tus: Tus
  readonly uploads: UploadService
}

/** Routes of files. */
export function fileRoutes({ files, contents, ...deps }: FileRouteDeps): BoundRoute[] {
  return [
    route(contracts.UploadFile, async ({ actor, form }) => (await files.upload(actor, form(), requireNone)).file),
    route(contracts.GetFile, async ({ actor, params }) => await files.find(actor, params.fileId)),
    route(contracts.GetFileContent, async ({ actor, params, query, headers, method }, reply) => {
      const { range, 'if-none-match': ifNoneMatch, 'if-range': ifRange } = headers
      const wanted = { ...params, query, ...omitUndefined({ range, ifNoneMatch, ifRange }) }
      const { status, headers: about, open } = await contents.find(actor, wanted)
      const bytes = method === 'HEAD' ? undefined : await open?.()
      reply.code(status).headers(about)
      return bytes ?? ''
    }),
    ...uploadRoutes(deps)
  ]
}

/** @throws {AppError} `invalid`: the form has a file and nothing else */
function requireNone(fields: object): void {
  const [name] = Object.keys(fields)
  if (name !== undefined) throw new AppError('invalid', 'The form has a field that is not one of this')
}

/** Says with answers what uploads there are, and makes addresses of files. */
export function announceFiles(app: FastifyInstance, config: NamedBy): void {
  announceUploads(app, config)
  nameFiles(app, config)
}

/** Makes addresses of files, under the name of the setting, or under that by which this machine reaches the server. */
function nameFiles(app: FastifyInstance, config: NamedBy): void {
  const { JWT_SECRET: secrets, FILE_LINK_TTL: ttlMs, PUBLIC_URL, HOST } = config
  fileLinks.configure({ secrets, ttlMs, base: baseOf(PUBLIC_URL) })
  if (PUBLIC_URL !== undefined) return
  app.addHook('onListen', async () => {
    const address = app.server.address()
    if (typeof address === 'object' && address !== null)
      fileLinks.base = `http://${HOST === '127.0.0.1' ? HOST : 'localhost'}:${address.port}`
  })
}
