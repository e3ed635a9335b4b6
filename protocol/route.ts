import type { TSchema } from '@sinclair/typebox'

/** The contract of one REST route, in the words of Fastify's route schema. Paths are relative to `/v1`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  /** Routes are for signed-in people unless they say so. */
  readonly isPublic?: true
  /** For everybody too, but a token that comes along says who asks, and must be valid. */
  readonly isOptional?: true
  /** Public, and counted by what its body proves: a school refreshes from one address. */
  readonly isProvedByBody?: true
  /** Fields of a body that is a form with files (`multipart/form-data`). */
  readonly form?: TSchema
  /** Media type of a body that is bytes, taken as they come. */
  readonly bytes?: string
  readonly schema: {
    readonly summary: string
    readonly tags: readonly string[]
    readonly params?: TSchema
    readonly querystring?: TSchema
    readonly headers?: TSchema
    readonly body?: TSchema
    readonly response: Readonly<Record<number, TSchema>>
  }
}

/** Declares a route, keeping the exact types of its schemas. */
export function route<const R extends Route>(contract: R): R {
  return contract
}
