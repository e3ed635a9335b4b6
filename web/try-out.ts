/** A request as Swagger UI sends it, and shows it. */
interface Request {
  url: string
  body?: unknown
}

interface Response {
  readonly text?: unknown
}

interface SwaggerUi {
  preauthorizeApiKey(scheme: string, token: string): void
}

interface SwaggerUiConfig {
  requestInterceptor?: (request: Request) => Request
  responseInterceptor?: (response: Response) => Response
}

declare global {
  interface Window {
    SwaggerUIBundle: (config: SwaggerUiConfig) => SwaggerUi
  }
}

/** Ids of the documented examples. */
const EXAMPLES = /\b(user|conv|msg|ses|qr|req)_64b7f0c2a1d3e4f5a6b7c8d9\b/g
const IDS = /\b(user|conv|msg|ses|qr|req)_[0-9a-f]{24}\b/g

// Lets the examples of `/docs` work one after the other: who signs in is signed in on the page, and where an example
// names a conversation or the like, the last one that was answered takes its place.
const create = window.SwaggerUIBundle
const last = new Map<string, string>()
let own: string | undefined

window.SwaggerUIBundle = Object.assign((config: SwaggerUiConfig) => {
  const ui = create({
    ...config,
    requestInterceptor: request => ({
      ...request,
      url: withLast(request.url),
      ...(typeof request.body === 'string' ? { body: withLast(request.body) } : {})
    }),
    responseInterceptor: response => {
      if (typeof response.text === 'string') learn(ui, response.text)
      return response
    }
  })
  return ui
}, create)

function withLast(text: string): string {
  return text.replace(EXAMPLES, (example, kind: string) => last.get(kind) ?? example)
}

function learn(ui: SwaggerUi, text: string): void {
  const { accessToken, user } = signedIn(text)
  if (accessToken !== undefined) ui.preauthorizeApiKey('bearer', accessToken)
  if (user !== undefined) {
    // Who was signed in before is somebody to talk to.
    if (own !== undefined && own !== user.id) last.set('user', own)
    own = user.id
  }
  for (const [id, kind = ''] of text.matchAll(IDS)) {
    if (id !== own) last.set(kind, id)
  }
}

/** The answer to a sign-in, if a text is one. */
function signedIn(text: string): { readonly accessToken?: string; readonly user?: { readonly id: string } } {
  try {
    const answer = JSON.parse(text)
    return typeof answer?.accessToken === 'string' ? answer : {}
  } catch {
    return {}
  }
}
