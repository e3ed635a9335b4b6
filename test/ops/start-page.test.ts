import t from 'tap'
import { joinServer, startServer, type TestServer } from '../kit/helper.ts'

const AS_BROWSER = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

const look = async (server: TestServer, path = '/', headers: object = AS_BROWSER) =>
  await server.call(undefined, 'GET', path, undefined, headers)

/** Addresses that the page names. */
const linksOf = (html: string): string[] => [...html.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, path = '']) => path)

t.test('U67: who opens the address of the server gets a page of its own files, with two people', async t => {
  const server = await joinServer(t)
  const { status, headers, text } = await look(server)
  t.equal(status, 200)
  t.match(headers.get('content-type'), /^text\/html/)
  t.match(headers.get('content-security-policy'), /default-src 'none'; script-src 'self'; style-src 'self'/)
  t.notMatch(headers.get('content-security-policy'), /unsafe/)
  t.notMatch(text, /<script(?![^>]*src=)|<style|\son[a-z]+=|\sstyle=/, 'nothing is written into it')
  const links = linksOf(text)
  for (const path of ['/docs', '/openapi.json', '/asyncapi.json', '/walk-through', '/assets/page.js']) {
    t.ok(links.includes(path), path)
  }
  for (const path of links) t.equal((await look(server, path)).status, 200, path)
  t.match(text, /<template id="pane">/)
  t.match((await look(server, '/walk-through')).text, /^# Walk-through\n[\s\S]*curl/)
})

t.test('U67: programs are told as before that there is nothing, and browsers get an icon', async t => {
  const server = await joinServer(t)
  for (const accept of ['application/json', '*/*']) {
    t.match(await look(server, '/', { accept }), { status: 404, body: { error: { code: 'not_found' } } }, accept)
  }
  t.match((await look(server)).headers.get('vary'), /accept/)
  t.match((await look(server, '/favicon.ico')).headers.get('content-type'), /^image\//)
})

t.test('U67: in production nobody is made on the page', async t => {
  const server = await startServer(t, { env: { NODE_ENV: 'production' } })
  const { status, text } = await look(server)
  t.equal(status, 200)
  t.notMatch(text, /<script|<template|<button/)
  for (const path of linksOf(text)) t.equal((await look(server, path)).status, 200, path)
  t.equal((await look(server, '/assets/page.js')).status, 404)
})
