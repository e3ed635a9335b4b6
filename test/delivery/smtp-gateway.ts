import { type AddressInfo, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import type { Gateway, Received } from './contract.ts'

/** A mail that was taken. */
export interface Mail extends Received {
  readonly from: string
  readonly recipients: readonly string[]
  readonly text: string
}

/** A small mail server on a free port, and its address. */
export async function startMailServer(
  t: Test
): Promise<Omit<Gateway, 'received'> & { url: string; received: Mail[]; arrived: Promise<Mail> }> {
  const received: Mail[] = []
  const state = { tries: 0, failures: 0, isRefusing: false }
  const sockets = new Set<Socket>()
  let wasAsked: () => void = () => undefined
  const asked = new Promise<void>(resolve => {
    wasAsked = resolve
  })
  let hasArrived: (mail: Mail) => void = () => undefined
  const arrived = new Promise<Mail>(resolve => {
    hasArrived = resolve
  })
  const answerMail = (): string => {
    state.tries += 1
    setImmediate(wasAsked)
    if (state.failures === 0) return '250 OK'
    state.failures -= 1
    return '451 Come back later'
  }
  const server = createServer(socket => {
    sockets.add(socket)
    void converse(socket, {
      mail: answerMail,
      recipient: () => (state.isRefusing ? '550 No <ada@parley.example> here' : '250 OK'),
      take: mail => {
        received.push(mail)
        hasArrived(mail)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    url: `smtp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    asked,
    arrived,
    get tries() {
      return state.tries
    },
    failNext: count => {
      state.failures = count
    },
    refuse: () => {
      state.isRefusing = true
    }
  }
}

interface Answers {
  mail: () => string
  recipient: () => string
  take: (mail: Mail) => void
}

/** Mail as far as it has come. */
interface Draft {
  from: string
  recipients: string[]
  /** From `DATA` on. */
  lines?: string[]
}

async function converse(socket: Socket, answers: Answers): Promise<void> {
  socket.on('error', () => undefined)
  const draft: Draft = { from: '', recipients: [] }
  socket.write('220 mail.parley.example ESMTP\r\n')
  for await (const line of createInterface(socket)) {
    const answer = draft.lines ? read(line, draft, answers) : obey(line, draft, answers)
    if (answer !== undefined) socket.write(`${answer}\r\n`)
    if (answer?.startsWith('221')) socket.end()
  }
}

function obey(line: string, draft: Draft, answers: Answers): string {
  const [, address = ''] = /<(.*?)>/.exec(line) ?? []
  switch (line.slice(0, 4).toUpperCase()) {
    case 'MAIL':
      Object.assign(draft, { from: address, recipients: [] })
      return answers.mail()
    case 'RCPT':
      draft.recipients.push(address)
      return answers.recipient()
    case 'DATA':
      draft.lines = []
      return '354 Go on'
    case 'QUIT':
      return '221 Bye'
    default:
      return '250 mail.parley.example'
  }
}

function read(line: string, draft: Draft, { take }: Answers): string | undefined {
  const { from, recipients, lines = [] } = draft
  if (line !== '.') {
    lines.push(line)
    return undefined
  }
  delete draft.lines
  const text = lines.join('\n')
  const [, code = ''] = /^(\d{6})$/m.exec(text) ?? []
  take({ from, recipients, text, code, to: recipients[0] ?? '' })
  return '250 Taken'
}
