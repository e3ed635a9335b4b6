import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { HistoryPage } from '../../protocol/messages/events.ts'
import { type BenchUser, mintUsers } from '../users.ts'
import { inParallel, ParleyRest } from './parley-rest.ts'
import { uploadPicture } from './pictures.ts'
import type { Target } from './wire.ts'

/** A conversation to be made of pictures. */
export interface SeedPictures {
  readonly target: Target
  readonly pictures: number
  readonly readers: number
  /** Folder that gets the same bytes as files. */
  readonly folder: string
}

/** What each reader asks for to open the conversation: paths of the server. */
export interface Opening {
  readonly token: string
  readonly page: string
  readonly thumbnails: readonly string[]
}

/** Makes a group whose first member has sent pictures, one a message, and a folder with what its members are sent. */
export async function seedPictures({ target, pictures, readers, folder }: SeedPictures): Promise<Opening[]> {
  const users = await mintUsers(readers)
  const [sender] = users as [BenchUser]
  const rest = new ParleyRest(target.url)
  await rest.introduce(users)
  const { id } = await rest.createConversation(users)
  const page = `/v1/conversations/${id}/messages?limit=${pictures}`
  for (let index = 0; index < pictures; index++) {
    const url = await uploadPicture(target, sender, index)
    const body = { clientId: `picture-${index}`, type: 'image', attachments: [{ type: 'image', url }] }
    await rest.call(sender, 'POST', `/v1/conversations/${id}/messages`, body)
  }
  await mkdir(folder, { recursive: true })
  const openings = await inParallel(users, 20, async user => await openingOf(rest, user, page))
  await keep(target, openings[1] ?? openings[0], folder)
  return openings
}

async function openingOf(rest: ParleyRest, user: BenchUser, page: string): Promise<Opening> {
  const { messages } = (await rest.call(user, 'GET', page)) as unknown as HistoryPage
  const thumbnails = messages.flatMap(({ attachments = [] }) => attachments.flatMap(it => it.thumbnailUrl ?? []))
  return { token: user.token, page, thumbnails: thumbnails.map(pathOf) }
}

/** Path and query of an address. */
function pathOf(address: string): string {
  const { pathname, search } = new URL(address)
  return pathname + search
}

async function keep({ url }: Target, opening: Opening | undefined, folder: string): Promise<void> {
  if (opening === undefined) throw new Error('Nobody reads')
  const headers = { authorization: `Bearer ${opening.token}` }
  const bytesOf = async (path: string) => Buffer.from(await (await fetch(url + path, { headers })).arrayBuffer())
  await writeFile(join(folder, 'page.json'), await bytesOf(opening.page))
  for (const [index, path] of opening.thumbnails.entries()) {
    await writeFile(join(folder, `${index}.webp`), await bytesOf(path))
  }
}
