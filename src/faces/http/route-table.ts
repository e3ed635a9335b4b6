import type { FastifyInstance } from 'fastify'
import type { AppError } from '../../errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Body of a refusal in the words of an app; canonical without it. */
    presentError?: (error: AppError) => object
  }
}

type PresentError = (error: AppError) => object

/** Routes of an app by their patterns, for requests that have not come to one of them. */
export class RouteTable {
  readonly #routes = new Map<string, Map<string, PresentError | undefined>>()

  /** Notes the routes that are added from here on. */
  watch(app: FastifyInstance): void {
    app.addHook('onRoute', ({ url, method, config }) => {
      const methods = this.#routes.get(url) ?? new Map()
      for (const name of [method].flat()) methods.set(name, config?.presentError)
      this.#routes.set(url, methods)
    })
  }

  /** Methods that a path takes; none where there is nothing. @param url with or without a query */
  methodsAt(url: string): string[] {
    return [...new Set(this.#at(url).flatMap(methods => [...methods.keys()]))].sort()
  }

  /** The words of the app that a request is for, though its path has not been read as a whole. */
  presenterAt(method: string, url: string): PresentError | undefined {
    return this.#at(url)
      .map(methods => methods.get(method))
      .find(it => it !== undefined)
  }

  #at(url: string): ReadonlyMap<string, PresentError | undefined>[] {
    const [path = ''] = url.split('?', 1)
    const segments = path.split('/')
    return [...this.#routes].filter(([pattern]) => matches(pattern.split('/'), segments)).map(([, methods]) => methods)
  }
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  return (
    pattern.length === segments.length &&
    pattern.every((part, index) => (part.startsWith(':') ? segments[index] !== '' : part === segments[index]))
  )
}
