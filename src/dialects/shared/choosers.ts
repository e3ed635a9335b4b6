import type { Shared, Sharing } from './sharing.ts'

type Choose = (sharing: readonly Sharing[]) => Shared

/** Routes where the request tells which of the documents is meant, by method and path. */
export const CHOOSERS: Readonly<Record<string, Choose>> = {}
