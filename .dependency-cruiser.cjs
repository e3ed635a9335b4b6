// Imports that the layout forbids (CONTRIBUTING.md, "Layout"). test/layers.test.ts plants a violation of each rule.
const SUBJECTS = ['users', 'accounts', 'conversations', 'requests', 'media', 'messages', 'search', 'sync', 'admin']
const CORE = '^src/(config|limits|database|store|streams|present|bus|presence|jobs|contract)/'
const OURS = '^(protocol|src|client|web|bench|test|scripts)/'
const any = names => `^src/(${names.join('|')})/`

const rule = (name, from, to) => ({ name, severity: 'error', from, to })
/** A package, and where it may be imported. */
const only = (name, where) =>
  rule(
    `${name} only where it belongs`,
    { path: '^(src|protocol|client|web)/', pathNot: where },
    { path: `node_modules/${name}/` }
  )

/** Each subject imports those above it in the list, through their index. */
const order = SUBJECTS.slice(0, -1).map((subject, index) =>
  rule(`${subject} imports no subject below it`, { path: any([subject]) }, { path: any(SUBJECTS.slice(index + 1)) })
)

module.exports = {
  forbidden: [
    rule('no circles', {}, { circular: true }),
    rule('protocol imports nothing else of ours', { path: '^protocol/' }, { path: OURS, pathNot: '^protocol/' }),
    rule('client imports only protocol', { path: '^client/' }, { path: OURS, pathNot: '^(client|protocol)/' }),
    rule('web imports only client and protocol', { path: '^web/' }, { path: OURS, pathNot: '^(web|client|protocol)/' }),
    rule('the server imports no client and no test', { path: '^src/' }, { path: OURS, pathNot: '^(src|protocol)/' }),
    rule(
      'what everybody uses imports no folder but the configuration',
      { path: '^src/[^/]+\\.ts$', pathNot: '^src/(main|app)\\.ts$' },
      { path: '^src/[^/]+/', pathNot: '^src/config/' }
    ),
    rule('the core knows no subject and no face', { path: CORE }, { path: '^src/[^/]+/', pathNot: CORE }),
    rule('subjects know no face', { path: any(SUBJECTS) }, { path: '^src/(realtime|faces|dialects|ops)/' }),
    rule(
      'subjects are imported through their index',
      { path: '^src/([^/]+)/' },
      { path: any(SUBJECTS), pathNot: ['^src/$1/', '^src/[^/]+/index\\.ts$'] }
    ),
    ...order,
    rule(
      'realtime knows no subject, no dialect and no face',
      { path: '^src/realtime/' },
      { path: '^src/[^/]+/', pathNot: [CORE, '^src/realtime/'] }
    ),
    rule(
      'faces know no subject and no dialect',
      { path: '^src/faces/' },
      { path: '^src/[^/]+/', pathNot: [CORE, '^src/(realtime|faces)/'] }
    ),
    rule(
      'dialects use of the faces only HTTP',
      { path: '^src/dialects/' },
      { path: '^src/faces/', pathNot: '^src/faces/http/' }
    ),
    rule(
      'dialects do not know each other',
      { path: '^src/dialects/([^/]+)/' },
      { path: '^src/dialects/[^/]+/', pathNot: ['^src/dialects/$1/', '^src/dialects/kit/'] }
    ),
    rule('only the composition knows everybody', { path: '^src/[^/]+/' }, { path: '^src/(main|app)\\.ts$' }),
    only('mongodb', ['^src/(database|store|streams)/', '/store\\.ts$']),
    only('(@fastify|fastify)', ['^src/(faces|dialects|ops/api-docs)/', '/rest\\.ts$', '^src/app\\.ts$']),
    only('ws', '^src/faces/ws/'),
    only('socket\\.io', '^src/faces/socketio/'),
    only('ioredis', '^src/(bus|presence|limits)/')
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' }
  }
}
