import { randomBytes } from 'node:crypto'
import t from 'tap'
import { MacTokens } from '../../src/accounts/tokens/mac-tokens.ts'

const [SECRET, NEWER] = ['s'.repeat(32), 'n'.repeat(32)]

t.test('a token is recognised by its secrets and its purpose alone, with its end', t => {
  const tokens = new MacTokens([SECRET], 'QR code')
  const expiresAt = new Date(1_900_000_000_000)
  const token = tokens.make(expiresAt)
  t.match(token, /^[A-Za-z0-9_-]{43}$/)
  t.equal(tokens.expiryOf(token), expiresAt.getTime())
  t.equal(new MacTokens([NEWER, SECRET], 'QR code').expiryOf(token), expiresAt.getTime(), 'after a new secret')
  t.equal(new MacTokens([NEWER], 'QR code').expiryOf(token), 0)
  t.equal(new MacTokens([SECRET], 'ticket').expiryOf(token), 0)
  t.not(tokens.make(expiresAt), token)
  t.equal(tokens.expiryOf(tokens.make(new Date(1_900_000_000_001))), 1_900_000_001_000, 'never too early')
  t.end()
})

t.test('no other text is a token, also not one that decodes to the same bytes', t => {
  const tokens = new MacTokens([SECRET], 'QR code')
  const token = tokens.make(new Date())
  const last = token.slice(-1)
  const alike = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'].filter(it => it !== last)
  const others = [
    ...alike.map(it => token.slice(0, -1) + it),
    ...[
      '',
      'x',
      token.slice(1),
      `${token}A`,
      `${token}=`,
      `${token}!`,
      ` ${token}`,
      `${token.slice(0, 20)}.${token.slice(20)}`
    ],
    ...[randomBytes(32).toString('base64url'), token.replaceAll('-', '+').replaceAll('_', '/').concat('=')]
  ]
  for (const text of others) t.equal(tokens.expiryOf(text), 0, text)
  t.end()
})
