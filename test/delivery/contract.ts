import t, { type Test } from 'tap'
import { type CodeDelivery, type Delivery, DeliveryError } from '../../src/accounts/delivery/port.ts'

/** Delivery that a gateway got, as far as its protocol tells. */
export type Received = Pick<CodeDelivery, 'code'> & Partial<CodeDelivery>

/** The other end of a delivery. */
export interface Gateway {
  readonly received: readonly Received[]
  /** Number of tries, failed ones included. */
  readonly tries: number
  /** Fails so many times from now on, as if it were overloaded. */
  failNext(count: number): void
  /** Refuses from now on, for good. */
  refuse(): void
  /** Resolves when it has been asked once. */
  readonly asked: Promise<void>
}

/** Opens a delivery to a new gateway; both end with the test. */
export type Open = (t: Test, backoffMs: number) => Promise<{ delivery: Delivery; gateway: Gateway }>

export const DELIVERY: CodeDelivery = { channel: 'email', to: 'ada@parley.example', code: '402917', purpose: 'login' }

/** Contract of every delivery over a network; the test of each calls it with a gateway of its kind. */
export function deliveryContract(open: Open): void {
  t.test('a code reaches its recipient', async t => {
    const { delivery, gateway } = await open(t, 1)
    await delivery.deliver(DELIVERY)
    t.match(gateway.received, [{ code: DELIVERY.code, to: DELIVERY.to }])
  })

  t.test('a gateway that fails twice gets it a third time, and once', async t => {
    const { delivery, gateway } = await open(t, 1)
    gateway.failNext(2)
    await delivery.deliver(DELIVERY)
    t.equal(gateway.received.length, 1)
    t.equal(gateway.tries, 3)
  })

  t.test('a gateway that keeps failing is given up after four tries', async t => {
    const { delivery, gateway } = await open(t, 1)
    gateway.failNext(100)
    await t.rejects(delivery.deliver(DELIVERY), { name: 'DeliveryError', isPermanent: false })
    t.equal(gateway.tries, 4)
  })

  t.test('what is refused for good is not tried again, and the error names neither code nor recipient', async t => {
    const { delivery, gateway } = await open(t, 1)
    gateway.refuse()
    const error = await delivery.deliver(DELIVERY).catch((thrown: unknown) => thrown)
    t.ok(error instanceof DeliveryError && error.isPermanent)
    t.notMatch(JSON.stringify([String(error), (error as Error).stack]), /ada|402917/)
    t.equal(gateway.tries, 1)
  })

  t.test('closing ends the pause before the next try', async t => {
    const { delivery, gateway } = await open(t, 10_000_000)
    gateway.failNext(100)
    const delivering = delivery.deliver(DELIVERY)
    await gateway.asked
    delivery.close()
    await t.rejects(delivering, { name: 'DeliveryError' })
  })
}
