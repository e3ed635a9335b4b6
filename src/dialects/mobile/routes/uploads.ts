import { Type } from '@sinclair/typebox'
import { AppError } from '../../../errors.ts'
import { omitUndefined } from '../../../omit-undefined.ts'
import { type DialectRoute, dialectRoute } from '../../kit/dialect.ts'
import type { Services } from '../../kit/services.ts'
import * as answers from '../answers.ts'
import { answer } from '../present/answer.ts'

const form = Type.Object({ image: Type.String({ format: 'binary', description: 'The file, under any name.' }) })

/** Document 0, "Upload": pictures, and what can be seen or heard. */
export function uploadRoutes({ files }: Pick<Services, 'files'>): DialectRoute[] {
  return [
    dialectRoute(
      'POST /upload/image',
      { summary: 'Upload a picture, a sound or a film', answer: answers.OneUpload, status: 201, form },
      async ({ actor, form }) => {
        const { file } = await files.upload(actor, form(), () => undefined)
        const { type, url, fileName, fileSize, mimeType, width, height, durationSeconds: duration } = file
        if (type === 'file') throw new AppError('invalid', 'The file is no picture, sound or film')
        const { thumbnailUrl = type === 'image' ? url : undefined } = file
        const facts = omitUndefined({ thumbnailUrl, width, height, duration })
        return answer({ type, url, fileName, fileSize, mimeType, ...facts }, 'Uploaded')
      }
    )
  ]
}
