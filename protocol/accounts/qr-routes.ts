import { Type } from '@sinclair/typebox'
import { route } from '../route.ts'
import { closed, oneOf, withExamples } from '../schema.ts'
import { Device } from '../users/entities.ts'
import { DeviceSecret, MatchCode, QrLogin, QrState, QrToken, SignedIn } from './entities.ts'

const tags = ['auth']

const params = closed({ token: QrToken })

const DeviceId = Device.properties.id

/** For a device that is not signed in. */
const headers = Type.Object({ 'device-secret': Type.Optional(DeviceSecret) })

export const CreateQr = route({
  method: 'POST',
  url: '/auth/qr',
  isOptional: true,
  schema: {
    summary: 'A code to sign a device in: this one, which is named, or for who is signed in, one that scans it',
    tags,
    body: withExamples(closed({ device: Type.Optional(Device) }), {
      device: { id: 'browser-1', platform: 'web', name: 'Firefox' }
    }),
    response: { 201: QrLogin }
  }
})

export const GetQr = route({
  method: 'GET',
  url: '/auth/qr/:token',
  isOptional: true,
  schema: {
    summary: 'Where a code is, for its device (Device-Secret), or for who is signed in',
    tags,
    params,
    headers,
    response: { 200: QrState }
  }
})

const IMAGE_TYPES = ['image/png', 'image/svg+xml', 'text/plain']

export const GetQrImage = route({
  method: 'GET',
  url: '/auth/qr/:token/image',
  isPublic: true,
  schema: {
    summary: 'The picture of a code that is not over: PNG unless told, SVG, or text for a terminal',
    tags,
    params,
    querystring: closed({ format: Type.Optional(oneOf('png', 'svg', 'terminal')) }),
    response: { 200: Type.Union(IMAGE_TYPES.map(contentMediaType => Type.String({ contentMediaType }))) }
  }
})

export const WatchQr = route({
  method: 'GET',
  url: '/auth/qr/:token/events',
  isOptional: true,
  schema: {
    summary: 'Server-sent events `state`, with what GET answers: now and at each change, until it is decided',
    tags,
    params,
    headers,
    response: { 200: Type.String({ contentMediaType: 'text/event-stream' }) }
  }
})

export const ApproveQr = route({
  method: 'POST',
  url: '/auth/qr/:token/approve',
  schema: {
    summary: 'Let the device in; matchCode is what both devices show',
    tags,
    params,
    body: closed({ matchCode: MatchCode }),
    response: { 200: QrState }
  }
})

export const RefuseQr = route({
  method: 'POST',
  url: '/auth/qr/:token/refuse',
  schema: { summary: 'Do not let the device in', tags, params, response: { 200: QrState } }
})

export const LoginByQr = route({
  method: 'POST',
  url: '/auth/qr/:token/login',
  isPublic: true,
  schema: {
    summary: 'Sign in by an approved code; `approval_pending` until then',
    tags,
    params,
    body: closed({ deviceId: DeviceId, deviceSecret: DeviceSecret, device: Type.Optional(Device) }),
    response: { 200: SignedIn }
  }
})
