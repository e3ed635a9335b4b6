import type { MongoClient } from 'mongodb'

/** Use of the connections of this process to the database. */
export class PoolCounts {
  inUse = 0
  /** Operations that wait for a connection. */
  waiting = 0
  /** Operations that got none. */
  failed = 0

  /** Counts from now on, when nothing is in use. */
  constructor(client: MongoClient) {
    client.on('connectionCheckOutStarted', () => {
      this.waiting += 1
    })
    client.on('connectionCheckedOut', () => {
      this.waiting -= 1
      this.inUse += 1
    })
    client.on('connectionCheckOutFailed', () => {
      this.waiting -= 1
      this.failed += 1
    })
    client.on('connectionCheckedIn', () => {
      this.inUse -= 1
    })
  }
}
