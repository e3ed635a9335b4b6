import { readFile } from 'node:fs/promises'
import sharp from 'sharp'
import t from 'tap'
import { fetched, startWithFiles, upload } from './upload.ts'
import { wavFrom } from './wav.ts'

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

/** Loudness of each quarter of a sound, 0 to 255, without what is near its ends. */
function quartersOf(waveform: readonly number[]): number[] {
  const quarters = [0, 25, 50, 75].map(start => waveform.slice(start + 3, start + 22))
  return quarters.map(values => Math.round(values.reduce((sum, value) => sum + value, 0) / values.length))
}

/** A sound of so many seconds whose quarters are each louder than the one before. */
function stepsOf(seconds: number, { bytes, channels = 1 }: { bytes: 1 | 2 | 3 | 4; channels?: number }) {
  const frames = 8_000 * seconds
  const data = Buffer.alloc(frames * bytes * channels, bytes === 1 ? 128 : 0)
  for (let index = 0; index < frames * channels; index++) {
    const level = [0, 0.25, 0.5, 1][Math.floor((index / (frames * channels)) * 4)] ?? 0
    const sample = (index % 2 === 0 ? 1 : -1) * level * 0.9
    if (bytes === 1) data.writeUInt8(Math.round(128 + sample * 127), index)
    else data.writeIntLE(Math.round(sample * (2 ** (8 * bytes - 1) - 1)), index * bytes, bytes)
  }
  return wavFrom(data, { bytes, channels })
}

t.test('1.6 voices in Opus, and sounds that are not encoded, get their waveform from the server', async t => {
  const server = await startWithFiles(t)
  const ann = await server.person()
  for (const [what, bytes] of [
    ['Ogg', await fixture('steps.ogg')],
    ['WebM of a browser', await fixture('steps.webm')],
    ['WAV of 8 bits', stepsOf(8, { bytes: 1 })],
    ['WAV of 16 bits, stereo', stepsOf(3, { bytes: 2, channels: 2 })],
    ['WAV of 24 bits', stepsOf(3, { bytes: 3 })],
    ['WAV of 32 bits', stepsOf(3, { bytes: 4 })],
    ['a WAV that is heard in part', stepsOf(600, { bytes: 1 })]
  ] as const) {
    const { waveform } = (await upload(server, ann, bytes)).body
    t.equal(waveform?.length, 100, what)
    t.ok(waveform.every((value: number) => Number.isInteger(value) && value >= 0 && value <= 255))
    const [first = 0, second = 0, third = 0, last = 0] = quartersOf(waveform)
    t.ok(first < 40 && second > 30 && second < 110 && third > 110 && third < 200 && last > 200, `${what}: ${waveform}`)
  }
  for (const name of ['voice.m4a', 'sound.mp3', 'film.webm', 'film.mp4'])
    t.equal((await upload(server, ann, await fixture(name))).body.waveform, undefined, name)
})

t.test('1.6 a waveform of the server goes before that of the client, which holds where there is none', async t => {
  const server = await startWithFiles(t)
  const [ann, ben] = await server.people(2)
  if (ann === undefined || ben === undefined) throw new Error('Nobody is there')
  const direct = await server.direct(ann, ben)
  for (const [name, isHeard] of [
    ['steps.webm', true],
    ['voice.m4a', false]
  ] as const) {
    const { url, waveform = [1, 2] } = (await upload(server, ann, await fixture(name))).body
    const message = { clientId: name, type: 'voice', attachments: [{ type: 'voice', url, waveform: [1, 2] }] }
    t.equal((await server.call(ann, 'POST', `/v1/conversations/${direct}/messages`, message)).status, 201)
    const { body } = await server.call(ben, 'GET', `/v1/conversations/${direct}/messages`)
    t.same(body.messages.at(-1).attachments[0].waveform, waveform, name)
    t.equal(waveform.length === 100, isHeard, name)
  }
})

t.test('a recording that is broken or made to take for ever is kept, and keeps the server from nothing', async t => {
  const server = await startWithFiles(t, { env: { TIMINGS_RECORDING_MS: '1500' } })
  const ann = await server.person()
  // Who reads it goes round in it, and never lets go.
  const endless = upload(server, ann, await fixture('endless.webm'))
  let answers = 0
  const ticks = setInterval(async () => {
    await server.call(ann, 'GET', '/v1/auth/me')
    answers++
  }, 50)
  t.match(await endless, { status: 201, body: { type: 'video', mimeType: 'video/webm', waveform: undefined } })
  clearInterval(ticks)
  t.ok(answers > 5, `${answers} answers meanwhile`)
  const voice = await fixture('steps.ogg')
  for (const every of [7, 40, 300]) {
    const broken = voice.map((byte, at) => (at > 120 && at % every === 0 ? byte ^ 0x55 : byte))
    t.equal((await upload(server, ann, broken)).status, 201, `every ${every} bytes`)
  }
})

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
