import { EventSource } from 'eventsource'
import type { Test } from 'tap'

/** A page with an unmodified EventSource, and the texts of the messages that it hears. */
export class Page {
  readonly source: EventSource
  readonly texts: string[] = []
  #waiting: (() => void)[] = []

  private constructor(t: Test, url: string) {
    this.source = new EventSource(url)
    t.teardown(() => this.source.close())
    this.source.addEventListener('message:new', ({ data }) => {
      const { text, data: canonical } = JSON.parse(data)
      this.texts.push(text ?? canonical.text)
      for (const wake of this.#waiting.splice(0)) wake()
    })
  }

  /** Resolves when its stream is live. */
  static async open(t: Test, url: string): Promise<Page> {
    const page = new Page(t, url)
    await page.ready()
    return page
  }

  /** Resolves when its stream ends, with what is told then. */
  async end(): Promise<unknown> {
    return await new Promise(resolve =>
      this.source.addEventListener('end', ({ data }) => resolve(JSON.parse(data)), { once: true })
    )
  }

  /** Resolves when the next stream is live. */
  async ready(): Promise<void> {
    await new Promise(resolve => this.source.addEventListener('ready', resolve, { once: true }))
  }

  /** Resolves when a message with this text has come. */
  async hear(text: string): Promise<void> {
    while (!this.texts.includes(text)) await new Promise<void>(resolve => this.#waiting.push(resolve))
  }
}
