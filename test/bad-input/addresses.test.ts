import t from 'tap'
import type { ErrorCode } from '../../protocol/errors.ts'
import { expectError, NOBODY, scene, unharmed } from './scene.ts'

t.test('REST: paths, queries, methods', async t => {
  const it = await scene(t)
  const { server, ann, conversationId, messageId } = it
  const base = `/v1/conversations/${conversationId}`
  const queries = [
    'limit=0',
    'limit=-1',
    'limit=101',
    'limit=1e9',
    'limit=abc',
    'limit=1&limit=2',
    'limit[$gt]=1',
    'limit=',
    'limit=1.5'
  ]
  const positions = ['before=-1', 'after=9007199254740993', 'around=x', 'before=1&after=2', 'after[$ne]=1', 'unknown=1']
  const ids = [
    'short',
    'a'.repeat(23),
    'A'.repeat(24),
    '%00',
    '%2e%2e%2f',
    '[object%20Object]',
    `msg_${NOBODY}`,
    'a'.repeat(65),
    `conv_${NOBODY}%0a`
  ]
  const table: [string, string, ErrorCode, object?][] = [
    ...queries.map(query => ['GET', `/v1/conversations?${query}`, 'invalid'] as [string, string, ErrorCode]),
    ...[...queries, ...positions].map(
      query => ['GET', `${base}/messages?${query}`, 'invalid'] as [string, string, ErrorCode]
    ),
    ...['x', '1_x', `1_${NOBODY}x`, '%00'].map(
      after => ['GET', `/v1/conversations?after=${after}`, 'invalid'] as [string, string, ErrorCode]
    ),
    ['DELETE', `${base}/messages/${messageId}?scope=all`, 'invalid'],
    ['GET', '/v1/presence?ids=x', 'invalid'],
    ['GET', '/v1/presence', 'invalid'],
    ['GET', `/v1/users/search?q=${'x'.repeat(65)}`, 'invalid'],
    ['GET', '/v1/users/search?q[$ne]=x', 'invalid'],
    ['GET', `/v1/conversations/${NOBODY}`, 'not_found'],
    ['GET', `/v1/users/${NOBODY}`, 'not_found'],
    ['DELETE', `/v1/sessions/${NOBODY}`, 'not_found'],
    ['GET', '/v1/conversations/%zz', 'invalid'],
    ['GET', '/v1/no/such/path', 'not_found'],
    ['GET', '/V1/users/me', 'not_found'],
    ['GET', '/', 'not_found'],
    ['PUT', base, 'method_not_allowed'],
    ['DELETE', '/v1/conversations', 'method_not_allowed'],
    ['GET', '/v1/auth/login', 'method_not_allowed'],
    ['POST', '/ws', 'method_not_allowed', {}],
    ['POST', `${base}/receipts`, 'invalid', {}],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: -1 }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: 1.5 }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: '1' }],
    ['POST', `${base}/receipts`, 'invalid', { readSeq: Number.MAX_SAFE_INTEGER + 1 }],
    ['POST', `${base}/typing`, 'invalid', { isTyping: 'yes' }],
    ['PATCH', base, 'invalid', { avatarUrl: 'javascript:alert(1)' }],
    ['PATCH', base, 'invalid', { name: 'x'.repeat(129) }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group', name: 'x', memberIds: [] }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group', name: 'x', memberIds: [ann.id, ann.id] }],
    ['POST', '/v1/conversations', 'invalid', { type: 'group' }],
    ['POST', '/v1/conversations', 'invalid', { type: 'support' }],
    ['POST', '/v1/conversations', 'invalid', { type: 'direct', userId: ann.id }]
  ]
  await unharmed(t, it, async () => {
    for (const [method, path, code, body] of table)
      expectError(t, await server.call(ann, method, path, body), code, `${method} ${path}`)
    for (const id of ids) {
      const { status, body } = await server.call(ann, 'GET', `/v1/conversations/${id}`)
      t.ok(status === 400 || status === 404, `B25 ${id} → ${status}`)
      t.match(body, { error: { code: /^(invalid|not_found)$/ } })
    }
    const wrong = await server.call(ann, 'PUT', base)
    t.match(wrong.headers.get('allow'), /GET.*PATCH/, 'B30 says what the path takes')
  })
})
