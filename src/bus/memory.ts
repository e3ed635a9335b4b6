import { EventEmitter } from 'node:events'
import type { Bus, BusMessages } from './bus.ts'

/** The bus of a server that is alone: every message reaches its receivers at once, in this process. */
export class MemoryBus implements Bus {
  readonly #emitter = new EventEmitter()

  publish<Topic extends keyof BusMessages>(topic: Topic, message: BusMessages[Topic]): void {
    this.#emitter.emit(topic, message)
  }

  subscribe<Topic extends keyof BusMessages>(topic: Topic, receive: (message: BusMessages[Topic]) => void): void {
    this.#emitter.on(topic, receive)
  }
}
