import t from 'tap'
import { WebhookDelivery } from '../../../src/accounts/delivery/webhook.ts'
import { DELIVERY, deliveryContract } from './contract.ts'
import { startWebhookGateway, WEBHOOK_SECRET } from './webhook-gateway.ts'

deliveryContract(async (t, backoffMs) => {
  const gateway = await startWebhookGateway(t)
  const delivery = new WebhookDelivery({ url: gateway.url, secret: WEBHOOK_SECRET, backoffMs })
  t.teardown(() => delivery.close())
  return { delivery, gateway }
})

t.test('a repeated try has the same id, so that a gateway that answered too late can tell', async t => {
  const gateway = await startWebhookGateway(t)
  const delivery = new WebhookDelivery({ url: gateway.url, secret: WEBHOOK_SECRET, backoffMs: 1 })
  gateway.failNext(2)
  await delivery.deliver(DELIVERY)
  await delivery.deliver(DELIVERY)
  t.equal(gateway.ids.length, 4)
  t.equal(new Set(gateway.ids.slice(0, 3)).size, 1)
  t.not(gateway.ids[3], gateway.ids[0])
  t.match(gateway.received[0], { ...DELIVERY, id: /^[0-9a-f-]{36}$/ })
})

t.test('a post that is signed with another secret is refused by a gateway that checks', async t => {
  const gateway = await startWebhookGateway(t)
  const delivery = new WebhookDelivery({ url: gateway.url, secret: 'another secret', backoffMs: 1 })
  await t.rejects(delivery.deliver(DELIVERY), { name: 'DeliveryError', isPermanent: true })
  t.same(gateway.received, [])
})

t.test('a gateway that is not there is tried four times and then an error without the address', async t => {
  const delivery = new WebhookDelivery({ url: 'http://127.0.0.1:1/secret-path', secret: WEBHOOK_SECRET, backoffMs: 1 })
  const error = await delivery.deliver(DELIVERY).catch((thrown: unknown) => thrown)
  t.match(error, { name: 'DeliveryError', isPermanent: false })
  t.notMatch(String(error), /secret-path|402917/)
})
