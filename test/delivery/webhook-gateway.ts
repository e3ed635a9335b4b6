import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import type { CodeDelivery } from '../../src/accounts/delivery/port.ts'
import type { Gateway } from './contract.ts'

export const WEBHOOK_SECRET = 'a-secret-of-the-gateway'

/** Body that a webhook posts. */
export type Posted = CodeDelivery & { id: string }

/** A gateway on a free port that takes only what is signed, and the address to post to. */
export async function startWebhookGateway(
  t: Test
): Promise<
  Omit<Gateway, 'received'> & { url: string; received: Posted[]; ids: string[]; until(count: number): Promise<void> }
> {
  const received: Posted[] = []
  const ids: string[] = []
  const waiting: { count: number; resolve: () => void }[] = []
  const state = { tries: 0, failures: 0, status: 204 }
  let wasAsked: () => void = () => undefined
  const asked = new Promise<void>(resolve => {
    wasAsked = resolve
  })
  const server = createServer(async (request, response) => {
    state.tries += 1
    const body = await text(request)
    ids.push((JSON.parse(body) as Posted).id)
    if (state.failures > 0) {
      state.failures -= 1
      response.writeHead(503).end()
    } else if (state.status !== 204 || !isSigned(request, body)) {
      response.writeHead(400, { location: '/elsewhere' }).end('no')
    } else {
      received.push(JSON.parse(body))
      response.writeHead(204).end()
    }
    wasAsked()
    for (const it of waiting) if (received.length >= it.count) it.resolve()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/codes`,
    received,
    ids,
    asked,
    get tries() {
      return state.tries
    },
    failNext: count => {
      state.failures = count
    },
    refuse: () => {
      state.status = 400
    },
    until: async count => {
      if (received.length < count) await new Promise<void>(resolve => waiting.push({ count, resolve }))
    }
  }
}

function isSigned({ headers }: IncomingMessage, body: string): boolean {
  const timestamp = String(headers['x-parley-timestamp'])
  const wanted = createHmac('sha256', WEBHOOK_SECRET).update(`${timestamp}.${body}`).digest('hex')
  const isRecent = Math.abs(Date.now() / 1_000 - Number(timestamp)) < 60
  return isRecent && headers['x-parley-signature'] === `v1=${wanted}`
}
