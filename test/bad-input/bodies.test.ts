import t from 'tap'
import type { ErrorCode } from '../../protocol/errors.ts'
import { expectError, NOBODY, scene, unharmed } from './scene.ts'

t.test('REST: bodies', async t => {
  const it = await scene(t)
  const { server, ann, conversationId } = it
  const path = `/v1/conversations/${conversationId}/messages`
  const json = (value: unknown): string => JSON.stringify(value)
  const send = (text: string): string => json({ clientId: 'x', text })
  const table: [string, string | undefined, ErrorCode, Record<string, string>?][] = [
    ['B1 cut off', '{"text":', 'bad_frame'],
    ['B2 empty', '', 'bad_frame', { 'content-type': 'application/json' }],
    ['B3 a form', 'text=x', 'unsupported_media_type', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['B3 a kind of JSON', send('x'), 'unsupported_media_type', { 'content-type': 'application/json-patch+json' }],
    ['B3 garbage after the type', send('x'), 'unsupported_media_type', { 'content-type': 'application/json garbage' }],
    ['B4 plain text', send('x'), 'unsupported_media_type', { 'content-type': 'text/plain' }],
    ...['[]', 'null', '"x"', '1', 'true'].map(body => [`B5 ${body}`, body, 'invalid'] as [string, string, ErrorCode]),
    ['B6 an unknown field', json({ clientId: 'x', text: 'x', role: 'admin' }), 'invalid'],
    ['B7 a number', json({ clientId: 'x', text: 5 }), 'invalid'],
    ['B8 an operator', json({ clientId: { $ne: null }, text: 'x' }), 'invalid'],
    ['B9 __proto__', '{"clientId":"x","text":"x","__proto__":{"a":1}}', 'bad_frame'],
    ['B9 __proto__, escaped', '{"clientId":"x","text":"x","\\u005f_proto__":{"a":1}}', 'bad_frame'],
    ['B9 constructor.prototype', '{"clientId":"x","text":"x","constructor":{"prototype":{"a":1}}}', 'bad_frame'],
    ['B13 over the bytes', send('é'.repeat(8_193)), 'too_large'],
    ['B13 over the characters', send('x'.repeat(16_385)), 'invalid'],
    ...['', ' ', '\n\t ', '\u200b\u200d', '\u202e\u2066'].map(
      text => [`B14 nothing to see: ${json(text)}`, send(text), 'invalid'] as [string, string, ErrorCode]
    ),
    ['B15 half a surrogate pair', '{"clientId":"x","text":"a\\ud800"}', 'invalid'],
    ...['\u0000', '\u0007', '\u001b', '\u007f'].map(
      text => [`B16 a control character: ${json(text)}`, send(`a${text}`), 'invalid'] as [string, string, ErrorCode]
    ),
    ['B18 one endless character', send(`a${'\u0301'.repeat(10_000)}`), 'too_large'],
    ['B19 nested', `{"clientId":"x","text":${'['.repeat(400)}${']'.repeat(400)}}`, 'invalid'],
    [
      'B19 nested as deep as a body holds',
      `{"clientId":"x","text":${'['.repeat(65_000)}${']'.repeat(65_000)}}`,
      'invalid'
    ],
    ['B20 a body too large', send('x'.repeat(131_072)), 'too_large'],
    ['C5 no clientId', json({ text: 'x' }), 'invalid'],
    ['C5 a clientId too long', json({ clientId: 'x'.repeat(65), text: 'x' }), 'invalid'],
    ['C5 an empty clientId', json({ clientId: '', text: 'x' }), 'invalid'],
    ['C6 quoting nothing', json({ clientId: 'x', text: 'x', replyTo: NOBODY }), 'not_found'],
    ...['seq', 'rev', 'createdAt', 'senderId', 'system', 'id'].map(
      name =>
        [`C8 ${name}`, json({ clientId: 'x', text: 'x', [name]: 'text' }), 'invalid'] as [string, string, ErrorCode]
    )
  ]
  await unharmed(t, it, async () => {
    for (const [name, body, code, headers = {}] of table)
      expectError(t, await server.call(ann, 'POST', path, body, headers), code, name)
    expectError(
      t,
      await server.call(ann, 'POST', path, send('x'), { 'idempotency-key': 'no blanks' }),
      'invalid',
      'C5 the header'
    )
    const noType = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}` },
      body: new Uint8Array(Buffer.from(send('x')))
    })
    expectError(t, { status: noType.status, body: await noType.json() }, 'unsupported_media_type', 'B3 no type')
    const binary = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ann.token}`, 'content-type': 'application/json' },
      body: new Uint8Array(
        Buffer.concat([Buffer.from('{"clientId":"x","text":"a'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])
      )
    })
    expectError(t, { status: binary.status, body: await binary.json() }, 'bad_frame', 'B17 no UTF-8')
  })
})
