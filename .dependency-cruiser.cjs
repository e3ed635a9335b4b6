// Who may import whom. Data goes from transports to services to the store; nothing goes back.
const PORTS = '(bus|limits|presence|blob|push|delivery)'
const base = ['^protocol/', '^src/(errors|config)\\.ts$']
const only = (from, ...to) => ({
  name: `${from} imports only its own and ${to.join(' ') || 'nothing'}`,
  severity: 'error',
  from: { path: from },
  to: { path: '^(protocol|src|client|web|bench|test|scripts)/', pathNot: [from, ...to] }
})
const ban = (what, from) => ({
  name: `${what} only where it belongs`,
  severity: 'error',
  from: { path: '^(protocol|src|client|web)/', pathNot: from },
  to: { path: `node_modules/${what}/` }
})
module.exports = {
  forbidden: [
    { name: 'no cycles', severity: 'error', from: {}, to: { circular: true } },
    only('^protocol/'),
    only('^src/store/', ...base),
    only(`^src/${PORTS}/`, ...base),
    only('^src/jobs/', ...base, '^src/store/index\\.ts$'),
    only('^src/services/', ...base, '^src/(store|jobs)/index\\.ts$', `^src/${PORTS}/`),
    only('^src/transport/', ...base, '^src/(services|jobs)/index\\.ts$', `^src/${PORTS}/`),
    only('^src/dialects/', ...base, '^src/services/index\\.ts$', '^src/transport/'),
    {
      name: 'dialects do not know each other',
      severity: 'error',
      from: { path: '^src/dialects/([^/]+)/', pathNot: '^src/dialects/shared/' },
      to: { path: '^src/dialects/[^/]+/', pathNot: '^src/dialects/$1/' }
    },
    ban('mongodb', '^src/(store/|jobs/store\\.ts$)'),
    ban('(@fastify|fastify|ws)', '^src/(transport|dialects|app)')
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' }
  }
}
