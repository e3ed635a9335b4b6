import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { cruise, type ICruiseResult, type IFlattenedRuleSet } from 'dependency-cruiser'
import t, { type Test } from 'tap'

const ROOT = new URL('../..', import.meta.url)
const { forbidden } = createRequire(import.meta.url)(new URL('.dependency-cruiser.cjs', ROOT).pathname) as {
  forbidden: { readonly name: string }[]
}

/** For each rule, imports that break it: importer and what it imports, a file or a package. */
const VIOLATIONS: Readonly<Record<string, readonly (readonly [from: string, to: string])[]>> = {
  'no circles': [
    ['src/users/index.ts', 'src/users/users.ts'],
    ['src/users/users.ts', 'src/users/index.ts']
  ],
  'protocol imports nothing else of ours': [['protocol/users/events.ts', 'src/errors.ts']],
  'client imports only protocol': [['client/client.ts', 'src/errors.ts']],
  'web imports only client and protocol': [['web/page.ts', 'src/errors.ts']],
  'the server imports no client and no test': [['src/users/users.ts', 'test/kit.ts']],
  'what everybody uses imports no folder but the configuration': [['src/errors.ts', 'src/users/index.ts']],
  'the core knows no subject and no face': [['src/store/members.ts', 'src/users/index.ts']],
  'subjects know no face': [['src/messages/messages.ts', 'src/realtime/hub.ts']],
  'subjects are imported through their index': [['src/messages/messages.ts', 'src/users/users.ts']],
  'users imports no subject below it': [['src/users/users.ts', 'src/messages/index.ts']],
  'accounts imports no subject below it': [['src/accounts/sign-in.ts', 'src/conversations/index.ts']],
  'conversations imports no subject below it': [['src/conversations/groups.ts', 'src/messages/index.ts']],
  'requests imports no subject below it': [['src/requests/requests.ts', 'src/messages/index.ts']],
  'media imports no subject below it': [['src/media/files.ts', 'src/messages/index.ts']],
  'messages imports no subject below it': [['src/messages/messages.ts', 'src/sync/index.ts']],
  'search imports no subject below it': [['src/search/walk.ts', 'src/sync/index.ts']],
  'sync imports no subject below it': [['src/sync/sync.ts', 'src/admin/index.ts']],
  'realtime knows no subject, no dialect and no face': [['src/realtime/hub.ts', 'src/messages/index.ts']],
  'faces know no subject and no dialect': [['src/faces/ws/server.ts', 'src/dialects/index.ts']],
  'dialects use of the faces only HTTP': [['src/dialects/mobile/routes.ts', 'src/faces/ws/server.ts']],
  'dialects do not know each other': [['src/dialects/mobile/present.ts', 'src/dialects/taatom/present.ts']],
  'only the composition knows everybody': [['src/users/users.ts', 'src/app.ts']],
  'mongodb only where it belongs': [['src/messages/messages.ts', 'mongodb']],
  '(@fastify|fastify) only where it belongs': [['src/realtime/hub.ts', 'fastify']],
  'ws only where it belongs': [['src/faces/sse/server.ts', 'ws']],
  'socket\\.io only where it belongs': [['src/faces/ws/server.ts', 'socket.io']],
  'ioredis only where it belongs': [['src/messages/messages.ts', 'ioredis']]
}

t.test('every rule of the layers has a violation that it is tried with', async t => {
  t.strictSame(new Set(Object.keys(VIOLATIONS)), new Set(forbidden.map(({ name }) => name)))
})

for (const { name } of forbidden) {
  t.test(`a violation of “${name}” is found`, async t => {
    const broken = await violations(t, VIOLATIONS[name] ?? [])
    t.ok(broken.includes(name), `found: ${broken.join(', ')}`)
  })
}

t.test('imports in the order of the layers break no rule', async t => {
  const broken = await violations(t, [
    ['src/app.ts', 'src/messages/rest.ts'],
    ['src/app.ts', 'fastify'],
    ['src/messages/rest.ts', 'fastify'],
    ['src/messages/messages.ts', 'src/users/index.ts'],
    ['src/users/index.ts', 'src/users/store.ts'],
    ['src/users/store.ts', 'mongodb'],
    ['src/users/store.ts', 'src/database/index.ts'],
    ['src/faces/ws/server.ts', 'src/realtime/hub.ts'],
    ['src/realtime/hub.ts', 'src/bus/bus.ts'],
    ['src/bus/bus.ts', 'ioredis'],
    ['src/dialects/mobile/routes.ts', 'src/messages/index.ts'],
    ['src/dialects/mobile/routes.ts', 'src/dialects/kit/dialect.ts'],
    ['src/messages/index.ts', 'protocol/messages/events.ts'],
    ['client/client.ts', 'protocol/messages/events.ts'],
    ['web/page.ts', 'client/client.ts']
  ])
  t.same(broken, [])
})

t.test('no folder of the server holds more than 15 files, and no file more than 300 lines', async t => {
  const entries = await readdir(new URL('src', ROOT), { recursive: true, withFileTypes: true })
  const files = entries.filter(entry => entry.isFile())
  t.ok(files.length > 0)
  const filesOf = new Map<string, number>()
  for (const { parentPath } of files) filesOf.set(parentPath, (filesOf.get(parentPath) ?? 0) + 1)
  const linesOf = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [path, (await readFile(path, 'utf8')).trimEnd().split('\n').length] as const
    })
  )
  t.same(
    [...filesOf].filter(([, count]) => count > 15),
    []
  )
  t.same(
    linesOf.filter(([, count]) => count > 300),
    []
  )
})

/** The rules that a tree with nothing but these imports breaks. */
async function violations(t: Test, imports: readonly (readonly [from: string, to: string])[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-layers-'))
  t.teardown(async () => await rm(folder, { recursive: true }))
  const sources = new Map<string, string>()
  for (const [from, to] of imports) {
    const isFile = to.endsWith('.ts')
    if (isFile && !sources.has(to)) sources.set(to, '')
    if (!isFile) sources.set(`node_modules/${to}/index.js`, '')
    const path = isFile ? `${'../'.repeat(from.split('/').length - 1)}${to}` : to
    sources.set(from, `${sources.get(from) ?? ''}import '${path}'\n`)
  }
  for (const [path, text] of sources) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  const { output } = await cruise(
    ['src', 'protocol', 'client', 'web'].filter(top => hasTop(sources, top)),
    {
      tsPreCompilationDeps: true,
      doNotFollow: { path: 'node_modules' },
      baseDir: folder,
      validate: true,
      ruleSet: { forbidden } as IFlattenedRuleSet
    }
  )
  return [...new Set((output as ICruiseResult).summary.violations.map(({ rule }) => rule.name))]
}

function hasTop(sources: ReadonlyMap<string, string>, top: string): boolean {
  return [...sources.keys()].some(path => path.startsWith(`${top}/`))
}
