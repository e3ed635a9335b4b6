import type { Message } from '../protocol/messages/entities.ts'
import type { State, Talker, View } from './talker.ts'

const WORDS: Readonly<Record<State, string>> = { offline: 'Offline', connecting: 'Connecting …', online: 'Online' }

interface PaneDeps {
  readonly userId: string
  readonly name: string
  readonly other: string
  /** Tells of an error, or that there is none any more. */
  readonly tell: (error: unknown) => void
}

/** One person’s half of the page. */
export class Pane implements View {
  readonly element: HTMLElement
  readonly #deps: PaneDeps
  readonly #shown = new Map<string, HTMLLIElement>()
  readonly #log: HTMLElement
  readonly #messages: HTMLElement
  readonly #state: HTMLElement
  readonly #typing: HTMLElement
  readonly #line: HTMLButtonElement
  readonly #form: HTMLFormElement

  constructor(deps: PaneDeps) {
    this.#deps = deps
    const copy = document.importNode(find(document, '#pane', HTMLTemplateElement).content, true)
    this.element = find(copy, 'section', HTMLElement)
    this.#log = find(copy, '.log', HTMLElement)
    this.#messages = find(copy, '.messages', HTMLElement)
    this.#state = find(copy, '.state', HTMLElement)
    this.#typing = find(copy, '.typing', HTMLElement)
    this.#line = find(copy, '.line', HTMLButtonElement)
    this.#form = find(copy, 'form', HTMLFormElement)
    const heading = find(copy, 'h2', HTMLElement)
    heading.textContent = deps.name
    heading.id = `name-${deps.name}`
    this.element.setAttribute('aria-labelledby', heading.id)
    this.#log.setAttribute('aria-label', `Messages as ${deps.name} sees them`)
    find(copy, 'form .hidden', HTMLElement).textContent = `Message from ${deps.name}`
  }

  /** Lets somebody use the pane. */
  attach(talker: Talker): void {
    const input = find(this.#form, 'input', HTMLInputElement)
    this.#line.addEventListener('click', () => {
      if (talker.isWanted) talker.goOffline()
      else void talker.goOnline()
    })
    input.addEventListener('input', () => talker.type())
    this.#form.addEventListener('submit', event => {
      event.preventDefault()
      const text = input.value.trim()
      if (text === '' || this.#state.textContent !== WORDS.online) return
      input.value = ''
      talker.send(text).catch((error: unknown) => {
        input.value ||= text
        this.problem(error)
      })
    })
  }

  show({ id, senderId, text, deletedAt, createdAt }: Message): void {
    const line = this.#shown.get(id) ?? document.createElement('li')
    const isMine = senderId === this.#deps.userId
    const who = document.createElement('span')
    who.className = 'hidden'
    who.textContent = `${isMine ? this.#deps.name : this.#deps.other}: `
    line.className = isMine ? 'mine' : ''
    line.title = new Date(createdAt).toLocaleTimeString()
    line.replaceChildren(who, deletedAt === undefined ? (text ?? '') : '(deleted)')
    if (!this.#shown.has(id)) this.#messages.append(line)
    this.#shown.set(id, line)
    this.#log.scrollTop = this.#log.scrollHeight
  }

  state(state: State): void {
    if (state === 'online') this.#deps.tell(undefined)
    this.#state.textContent = WORDS[state]
    this.#state.classList.toggle('online', state === 'online')
    this.#line.textContent = state === 'offline' ? 'Come back' : 'Go offline'
    for (const control of this.#form.querySelectorAll('button')) control.disabled = state !== 'online'
  }

  typing(isTyping: boolean): void {
    this.#typing.textContent = isTyping ? `${this.#deps.other} is typing …` : ''
  }

  problem(error: unknown): void {
    this.#deps.tell(error)
  }
}

/** The first element that a selector finds. @throws {Error} where the page has none of this kind */
export function find<E extends Element>(parent: ParentNode, selector: string, kind: new () => E): E {
  const found = parent.querySelector(selector)
  if (!(found instanceof kind)) throw new Error(`The page has no ${selector}`)
  return found
}
