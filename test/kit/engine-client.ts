import { once } from 'node:events'
import type { Test } from 'tap'
import { WebSocket } from 'ws'
import type { TestServer } from './helper.ts'

const PATH = '/socket.io/?transport=websocket'

/** A client of socket.io that says its packets one by one, as no library would, and keeps those that it hears. */
export class EngineClient {
  readonly ws: WebSocket
  readonly heard: string[] = []
  readonly closed: Promise<number>
  #waiting: (() => void)[] = []

  private constructor(ws: WebSocket) {
    this.ws = ws
    ws.on('error', () => undefined)
    this.closed = once(ws, 'close').then(([code]) => code)
    ws.on('message', data => {
      if (String(data) === '2') return ws.send('3')
      this.heard.push(String(data))
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /** Opens a transport, or joins one as for an upgrade; it ends with the test. */
  static async open(
    t: Test,
    { url }: TestServer,
    {
      version = 4,
      query = '',
      headers = {}
    }: { version?: 2 | 4; query?: string; headers?: Record<string, string> } = {}
  ): Promise<EngineClient> {
    const ws = new WebSocket(`${url.replace('http', 'ws')}${PATH}&EIO=${version === 2 ? 3 : 4}${query}`, { headers })
    const client = new EngineClient(ws)
    t.teardown(() => ws.terminate())
    await once(ws, 'open')
    return client
  }

  say(...packets: readonly string[]): void {
    for (const packet of packets) this.ws.send(packet)
  }

  /** Asks to enter a namespace. */
  join(namespace: string, auth: object): void {
    this.say(`40${namespace},${JSON.stringify(auth)}`)
  }

  /** The first packet that begins so, heard already or still to come; each is given out once. @throws when it is closed before */
  async hear(prefix: string): Promise<string> {
    for (;;) {
      const index = this.heard.findIndex(packet => packet.startsWith(prefix))
      if (index >= 0) return this.heard.splice(index, 1)[0] ?? ''
      const more = new Promise<void>(resolve => this.#waiting.push(resolve))
      await Promise.race([
        more,
        this.closed.then(code => Promise.reject(new Error(`Closed (${code}) before ${prefix}`)))
      ])
    }
  }
}
