import type { ResolveHook } from 'node:module'

const WORKER = new URL('worker.js', import.meta.url).href
/** A root of its own for every test file: what it imports as `tap` is the test that stands for it. */
const CURRENT = new URL('current.js', import.meta.url).href
const DOMAIN = new URL('domain.js', import.meta.url).href

/** Decides what modules of a worker get for some names. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === 'tap' && context.parentURL !== WORKER) return { url: CURRENT, shortCircuit: true }
  if (specifier === 'async-hook-domain') return { url: DOMAIN, shortCircuit: true }
  return await nextResolve(specifier, context)
}
