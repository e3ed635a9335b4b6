/** The peer of `uploads`: @fastify/multipart writes files to a folder, and nothing else. */
import { randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import multipart from '@fastify/multipart'
import fastify from 'fastify'

const { PORT, FOLDER = '' } = process.env

const app = fastify()
await app.register(multipart, { limits: { fileSize: 2 ** 40 } })
app.get('/', () => ({ ok: true }))
app.post('/v1/files', async (request, reply) => {
  for await (const part of request.parts()) {
    if (part.type === 'file') await pipeline(part.file, createWriteStream(join(FOLDER, randomUUID())))
  }
  return await reply.code(201).send({ ok: true })
})
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
