import { join } from 'node:path'
import type { Config } from '../../config/config.ts'
import { DiskStore } from './disk.ts'
import type { BlobStore } from './port.ts'

export type { BlobStore, ByteRange } from './port.ts'

/** The store of the configuration: a folder beside the database, or a bucket. */
export async function createStorage(config: Config): Promise<BlobStore> {
  const { FILES, DATA_DIR, S3_URL: url, S3_REGION: region } = config
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = config
  if (FILES === 'disk' || url === undefined || accessKeyId === undefined || secretAccessKey === undefined)
    return new DiskStore(join(DATA_DIR, 'files'))
  const { S3Store } = await import('./s3.ts')
  return new S3Store({ url, region, accessKeyId, secretAccessKey })
}
