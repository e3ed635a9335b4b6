import { MongoClient } from 'mongodb'
import t from 'tap'
import { someOf } from '../kit/extent.ts'
import { startServer } from '../kit/helper.ts'
import { CODES } from './replays/codes.ts'
import { ENDED } from './replays/ended.ts'
import { QR } from './replays/qr.ts'
import { REFRESH } from './replays/refresh.ts'
import type { Row } from './replays/row.ts'
import { SENDS } from './replays/sends.ts'
import { TICKETS } from './replays/tickets.ts'

const ROWS: readonly Row[] = [...CODES, ...REFRESH, ...ENDED, ...QR, ...TICKETS, ...SENDS]

t.test('what is used again', async t => {
  // What is wrong counts, and here nearly everything is.
  const many = '100000'
  const tries = {
    LIMITS_PASSWORD_TRIES: many,
    LIMITS_PASSWORD_TRIES_PER_ADDRESS: many,
    LIMITS_CODE_TRIES: many
  }
  const server = await startServer(t, { env: tries })
  const client = new MongoClient(server.uri, { readConcern: { level: 'majority' } })
  t.teardown(async () => await client.close())
  for (const { face, what, run } of someOf(ROWS, Math.ceil(ROWS.length / 3), 'replays')) {
    await t.test(`${face}: ${what}`, async t => await run(t, { server, db: client.db() }))
  }
})
