import { once } from 'node:events'
import { openStores } from '../../src/app.ts'
import { readConfig } from '../../src/config/config.ts'
import { ObjectId } from '../../src/database/index.ts'
import { testEnv } from '../kit/helper.ts'

// A server that stays in the middle of a change of somebody's account until it is killed.
const [uri = '', userId = ''] = process.argv.slice(2)
const _id = new ObjectId(userId)
const store = await openStores({ ...readConfig(testEnv(uri)), MONGODB_URI: uri })
await store.accounts.change(_id, 'settings', _id, async session => {
  await store.accounts.record([_id], 'settings', _id, session)
  process.send?.('open')
  await once(process, 'message')
})
