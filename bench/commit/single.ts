import { conversationIdOf, type Ground, messageRow, type Strategy } from './strategy.ts'

/** An insert a message: neither order nor numbers. The least that durability costs without grouping. */
export function oneWrite(ground: Ground): Strategy {
  return {
    async commit(draft) {
      await ground.messages.insertOne(messageRow(ground, draft, 0))
    }
  }
}

/** The usual way: take the next number, then insert. A crash between the two leaves a gap. */
export function counterThenInsert(ground: Ground): Strategy {
  return {
    async commit(draft) {
      const _id = conversationIdOf(ground, draft)
      const update = { $inc: { rev: 1 }, $set: { lastActivityAt: new Date() } }
      const head = await ground.conversations.findOneAndUpdate({ _id }, update, { returnDocument: 'after' })
      await ground.messages.insertOne(messageRow(ground, draft, head?.rev ?? 0))
    }
  }
}

/** Head and message in a transaction of their own, retried by the driver on a conflict. */
export function transactionEach(ground: Ground): Strategy {
  return {
    async commit(draft) {
      const _id = conversationIdOf(ground, draft)
      const update = { $inc: { rev: 1 }, $set: { lastActivityAt: new Date() } }
      await ground.client.withSession(async session => {
        await session.withTransaction(async () => {
          const options = { session, returnDocument: 'after' } as const
          const head = await ground.conversations.findOneAndUpdate({ _id }, update, options)
          await ground.messages.insertOne(messageRow(ground, draft, head?.rev ?? 0), { session })
        })
      })
    }
  }
}
