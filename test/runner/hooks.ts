import type { ResolveHook } from 'node:module'

const CURRENT = new URL('current.js', import.meta.url).href
const WORKER = new URL('worker.js', import.meta.url).href

/** Gives every test file of a worker a root of its own: what it imports as `tap` is the test that stands for it. */
export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (specifier === 'tap' && context.parentURL !== WORKER) return { url: CURRENT, shortCircuit: true }
  return await nextResolve(specifier, context)
}
