import sharp from 'sharp'
import type { BenchUser } from '../users.ts'
import type { Target } from './wire.ts'

/** Pictures of the size of a phone's, scaled down as messengers do. */
const SIZE = { width: 1_600, height: 1_200 }

/** Uploads a picture, another one for each number. @returns its address */
export async function uploadPicture({ url }: Target, { token }: BenchUser, index: number): Promise<string> {
  const body = new FormData()
  body.append('file', new Blob([new Uint8Array(await drawPicture(index))]), 'picture.jpg')
  const response = await fetch(`${url}/v1/files`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body
  })
  const answer = (await response.json()) as { url: string }
  if (response.status !== 201) throw new Error(`An upload was answered with ${JSON.stringify(answer)}`)
  return answer.url
}

/** A picture with edges and noise, another one for each number. */
async function drawPicture(index: number): Promise<Buffer> {
  const shapes = Array.from({ length: 40 }, (_, n) => {
    const at = (n * 7919 + index * 104_729) % 1_600
    const hue = (n * 47 + index * 31) % 360
    return `<circle cx="${at}" cy="${(at * 3) % 1_200}" r="${40 + ((n * 37) % 160)}" fill="hsl(${hue} 70% 50%)"/>`
  })
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${SIZE.height}">${shapes.join('')}</svg>`
  const noise = { type: 'gaussian', mean: 128, sigma: 12 } as const
  return await sharp({ create: { ...SIZE, channels: 3, background: 'gray', noise } })
    .composite([{ input: Buffer.from(drawing) }])
    .jpeg({ quality: 80 })
    .toBuffer()
}
