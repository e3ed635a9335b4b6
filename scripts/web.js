// Puts what browsers get, the page at the address of the server and a part of `/docs`, into `dist/web`; a part of `npm run build` and of `npm run dev`.
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

export async function buildWeb() {
  await mkdir(`${ROOT}dist/web`, { recursive: true })
  for (const name of ['page.html', 'page.css', 'favicon.ico']) await cp(`${ROOT}web/${name}`, `${ROOT}dist/web/${name}`)
  const [, section = ''] = (await readFile(`${ROOT}README.md`, 'utf8')).split('\n## Walk-through\n')
  await writeFile(`${ROOT}dist/web/walk-through.txt`, `# Walk-through\n${section.slice(0, section.indexOf('\n## '))}\n`)
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['web/page.ts', 'web/try-out.ts'],
    outdir: 'dist/web',
    bundle: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    logLevel: 'warning'
  })
}
