import type { Test } from 'tap'
import type { Person, TestServer } from '../../helper.ts'
import type { Heard } from '../../packet-client.ts'
import type { Recorder } from './tape.ts'

/** Chat of people. A direct one is named by the other person in some apps, and by its own id in others. */
export interface Chat {
  /** 24 hexadecimal digits, like every id here. */
  readonly id: string
  readonly peer?: Person
}

/** Actions of a person with an app. Ids that are answered are 24 hexadecimal digits. */
export interface Actions {
  /** @returns the person found first */
  find(name: string): Promise<string>
  /** Opens the direct chat. @returns its id */
  start(peer: Person): Promise<string>
  /** Asks to talk. @returns the request’s id */
  request(peer: Person): Promise<string>
  /** @returns the id of the chat */
  accept(requestId: string): Promise<string>
  /** @returns the message’s id */
  send(chat: Chat, text: string, replyTo?: string): Promise<string>
  edit(chat: Chat, messageId: string, text: string): Promise<unknown>
  /** For everyone. */
  remove(chat: Chat, messageId: string): Promise<unknown>
  react(chat: Chat, messageId: string, emoji: string): Promise<unknown>
  /** Read everything up to this message. */
  read(chat: Chat, messageId: string): Promise<unknown>
  mute(chat: Chat): Promise<unknown>
  block(peer: Person): Promise<unknown>
  unblock(peer: Person): Promise<unknown>
  clear(chat: Chat): Promise<unknown>
  /** @returns the ids of the chats */
  list(): Promise<string[]>
  /** @returns the texts of a direct chat, oldest first, without deleted ones */
  history(chat: Chat): Promise<string[]>
  /** @returns the group’s id */
  group(name: string, members: readonly Person[]): Promise<string>
  promote(group: Chat, member: Person): Promise<unknown>
  expel(group: Chat, member: Person): Promise<unknown>
}

/** Events that reach the app unasked. */
export interface Hearing {
  readonly heard: readonly Heard[]
  /** The first of this name that fits, heard already or still to come. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  hear(name: string, fits?: (data: any) => boolean): Promise<any>
}

/** A person signed in: what their app’s document lets them do. */
export type Session = Partial<Actions> & Pick<Actions, 'send' | 'history'> & { readonly listener: Hearing }

/** Person who signs in, and the server. */
export interface Guest {
  readonly t: Test
  readonly server: Pick<TestServer, 'url'>
  readonly person: Pick<Person, 'hex' | 'id' | 'token'>
  /** Name on the recorder. */
  readonly label: string
  readonly recorder: Recorder
}

/** Kind of app. */
export interface App {
  readonly name: string
  /** The event that brings a message. */
  readonly event: string
  /** The message’s text in the data of that event. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into payloads of every shape
  textOf(data: any): string
  /** Knows direct chats only, and no answers to messages. */
  readonly isDirectOnly?: true
  signIn(guest: Guest): Promise<Session>
}
