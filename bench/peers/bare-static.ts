/** The peer of `media`: @fastify/static serves the files of a folder, and nothing else. */
import fastifyStatic from '@fastify/static'
import fastify from 'fastify'

const { PORT, FOLDER = '' } = process.env

const app = fastify()
await app.register(fastifyStatic, { root: FOLDER, maxAge: 3_600_000 })
await app.listen({ port: Number(PORT), host: '127.0.0.1' })
