/** The little of Express that the peer uses; the package brings no types. */
declare module 'express' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  interface Response extends ServerResponse {
    status(code: number): Response
    json(body: unknown): Response
  }
  interface Application {
    (request: IncomingMessage, response: ServerResponse): void
    use(handler: unknown): Application
    get(path: string, handler: (request: IncomingMessage, response: Response) => unknown): Application
  }
  function express(): Application
  namespace express {
    function json(): unknown
  }
  export = express
}
