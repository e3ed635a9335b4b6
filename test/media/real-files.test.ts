import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import t from 'tap'
import { fetched, startWithFiles, upload } from './upload.ts'

// Made by ImageMagick, ffmpeg and sox: test/media/fixtures.
const fixture = async (name: string) =>
  new Uint8Array(await readFile(new URL(`../../../test/media/fixtures/${name}`, import.meta.url)))

/** Corner in which the yellow of the picture is. */
async function cornerOf(picture: Buffer): Promise<string> {
  const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const isYellow = (x: number, y: number) => {
    const at = (y * info.width + x) * info.channels
    const [red = 0, green = 0, blue = 0] = data.subarray(at, at + 3)
    return red > 180 && green > 180 && blue < 120
  }
  const [right, bottom] = [info.width - 3, info.height - 3]
  const corners = {
    'top left': [2, 2],
    'top right': [right, 2],
    'bottom left': [2, bottom],
    'bottom right': [right, bottom]
  }
  return Object.entries(corners).find(([, [x = 0, y = 0]]) => isYellow(x, y))?.[0] ?? 'none'
}

/** Where the corner and the longer side of a picture are that a phone has taken in each way (EXIF 2.3, orientation). */
const UPRIGHT = [
  ['top left', 48],
  ['top right', 48],
  ['bottom right', 48],
  ['bottom left', 48],
  ['top left', 32],
  ['top right', 32],
  ['bottom right', 32],
  ['bottom left', 32]
] as const

t.test('pictures of phones are upright, in whichever of the eight ways they were held', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  for (const [index, [corner, width]] of UPRIGHT.entries()) {
    const { body } = await upload(server, ann, await fixture(`orientation-${index + 1}.jpg`))
    t.match(body, { type: 'image', width, height: 80 - width }, `orientation ${index + 1}`)
    const { bytes } = await fetched(body.url)
    t.equal(await cornerOf(bytes), corner, `orientation ${index + 1}`)
    t.equal((await sharp(bytes).metadata()).orientation, undefined)
    t.equal(await cornerOf((await fetched(body.thumbnailUrl)).bytes), corner, `thumbnail of ${index + 1}`)
  }
})

t.test('animated pictures stay animated, and their smaller ones are still', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  for (const [name, mimeType, pages] of [
    ['animated.gif', 'image/gif', 3],
    ['animated.webp', 'image/webp', 4]
  ] as const) {
    const { status, body } = await upload(server, ann, await fixture(name))
    t.match({ status, body }, { status: 201, body: { type: 'image', mimeType, width: 32, height: 24 } }, name)
    t.equal((await sharp((await fetched(body.url)).bytes).metadata()).pages, pages, name)
    t.equal((await sharp((await fetched(body.thumbnailUrl)).bytes).metadata()).pages ?? 1, 1, name)
  }
})

t.test(
  'sounds and films have the length and the size that their containers tell, by content and not by name',
  async t => {
    const server = await startWithFiles(t)
    const ann = await server.person()
    const made: [string, { type: string; mimeType: string; seconds: number; width?: number; height?: number }][] = [
      ['voice.ogg', { type: 'audio', mimeType: 'audio/ogg', seconds: 1.5 }],
      ['voice.webm', { type: 'video', mimeType: 'video/webm', seconds: 1.5 }],
      ['voice.m4a', { type: 'audio', mimeType: 'audio/x-m4a', seconds: 1.5 }],
      ['sound.mp3', { type: 'audio', mimeType: 'audio/mpeg', seconds: 1 }],
      ['sound.flac', { type: 'audio', mimeType: 'audio/flac', seconds: 1 }],
      ['film.mp4', { type: 'video', mimeType: 'video/mp4', seconds: 1, width: 64, height: 48 }],
      ['film.webm', { type: 'video', mimeType: 'video/webm', seconds: 1, width: 64, height: 48 }]
    ]
    for (const [name, { seconds, ...about }] of made) {
      const { body } = await upload(server, ann, await fixture(name), { name: 'x.txt', type: 'text/plain' })
      t.match(body, about, name)
      t.ok(Math.abs(body.durationSeconds - seconds) < 0.15, `${name}: ${body.durationSeconds} s`)
      const { headers } = await fetched(body.url)
      t.equal(headers.get('content-type'), about.mimeType, name)
    }
  }
)

t.test('sounds and films that are cut anywhere are kept as what they are, without what nobody can tell', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  for (const name of ['voice.ogg', 'film.mp4', 'film.webm', 'sound.mp3']) {
    const whole = await fixture(name)
    for (const share of [0.05, 0.3, 0.7]) {
      const { status, text } = await upload(server, ann, whole.slice(0, Math.ceil(whole.length * share)))
      t.equal(status, 201, `${name} to ${share}: ${text}`)
    }
  }
})

t.test('pictures that are cut anywhere, are refused, or kept as far as they go', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  for (const name of ['orientation-1.jpg', 'animated.gif', 'animated.webp']) {
    const whole = await fixture(name)
    for (const share of [0.1, 0.5, 0.9]) {
      const { status, body } = await upload(server, ann, whole.slice(0, Math.ceil(whole.length * share)))
      // Of an animation the frames that are there may be kept.
      const isRead = async () => (await sharp((await fetched(body.url)).bytes).metadata()).width === 32
      const isHonest = status === 201 ? name.startsWith('animated') && (await isRead()) : body.error.code === 'invalid'
      t.ok(isHonest, `${name} to ${share}: ${status} ${JSON.stringify(body)}`)
    }
  }
})
