import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Test } from 'tap'

type Page = (response: ServerResponse, request: IncomingMessage) => void

/** A web site on this machine: pages by path, and what it was asked for. */
export interface Site {
  readonly url: string
  readonly port: number
  readonly asked: { readonly path: string; readonly headers: IncomingMessage['headers'] }[]
  /** Connections that are open. */
  open(): number
}

/** Opens a site; a page is a text, or whatever answers. */
export async function openSite(t: Test, pages: Record<string, string | Page>, host = '127.0.0.1'): Promise<Site> {
  const asked: Site['asked'] = []
  const server = createServer((request, response) => {
    asked.push({ path: request.url ?? '', headers: request.headers })
    const page = pages[(request.url ?? '').split('?')[0] ?? '']
    response.on('error', () => undefined)
    if (page === undefined) response.writeHead(404, { 'content-type': 'text/html' }).end('<title>None</title>')
    else if (typeof page === 'string') html(page)(response, request)
    else page(response, request)
  })
  let count = 0
  server.on('connection', socket => {
    count += 1
    socket.on('close', () => {
      count -= 1
    })
  })
  await new Promise<void>(resolve => server.listen(0, host, resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`, port, asked, open: () => count }
}

export const html =
  (text: string | Uint8Array, headers: Record<string, string> = {}): Page =>
  response =>
    void response.writeHead(200, { 'content-type': 'text/html', ...headers }).end(text)

export const redirect =
  (location: string, status = 302): Page =>
  response =>
    void response.writeHead(status, { location }).end()

/** Whether somebody listens there. */
export async function isOpen(host: string, port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const socket = connect({ host, port })
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
