import t from 'tap'
import { networkOf, PerNetwork, widestNetworkOf } from '../../src/limits/networks.ts'

const listOf = (address: string) =>
  new PerNetwork(growth => growth).list(address).map(({ limiter, network }) => [limiter, network])

t.test('S22: an IPv4 address is a network, in every spelling and with any port', t => {
  for (const address of [
    '192.0.2.1',
    '192.0.2.1:443',
    '::ffff:192.0.2.1',
    '::FFFF:192.0.2.1',
    '::ffff:c000:0201',
    '0:0:0:0:0:ffff:192.0.2.1',
    '[::ffff:192.0.2.1]:51000'
  ]) {
    t.same(listOf(address), [[1, '192.0.2.1']], address)
  }
  t.not(networkOf('192.0.2.2'), '192.0.2.1')
  t.end()
})

t.test('S22: an IPv6 address is in three networks, and the wider ones allow more', t => {
  const networks = [
    [16, '2001:db8:1/48'],
    [4, '2001:db8:1:200/56'],
    [1, '2001:db8:1:2ff/64']
  ]
  for (const address of [
    '2001:db8:1:2ff:3:4:5:6',
    '2001:0DB8:0001:02FF::9',
    '2001:db8:1:2ff::9%eth0',
    '[2001:db8:1:2ff::9]',
    '[2001:db8:1:2ff::9]:443'
  ]) {
    t.same(listOf(address), networks, address)
    t.equal(networkOf(address), '2001:db8:1:2ff/64')
    t.equal(widestNetworkOf(address), '2001:db8:1/48')
  }
  t.same(listOf('2001:db8:1:2fe::1').slice(0, 2), networks.slice(0, 2), 'a neighbour in the same /56')
  t.same(listOf('2001:db8:1:300::1').slice(0, 1), networks.slice(0, 1), 'in the same /48')
  t.not(widestNetworkOf('2001:db8:2::1'), widestNetworkOf('2001:db8:1::1'))
  t.end()
})

t.test('S22: what is no address is one network', t => {
  for (const address of ['', 'unknown', '_hidden', '192.0.2', 'x'.repeat(10_000), '[', '1.2.3.4:5:6']) {
    t.same(listOf(address), [[1, networkOf('unknown')]], address.slice(0, 20))
  }
  t.end()
})
