import { Type } from '@sinclair/typebox'
import { UserId } from '../ids.ts'
import { route } from '../route.ts'
import { closed } from '../schema.ts'

const params = closed({ userId: UserId })
const tags = ['admin']

export const DisableUser = route({
  method: 'POST',
  url: '/admin/users/:userId/disable',
  schema: {
    summary: 'Disable an account: its sessions end, and its connections on every server; admins only',
    tags,
    params,
    response: { 204: Type.Null() }
  }
})

export const EnableUser = route({
  method: 'POST',
  url: '/admin/users/:userId/enable',
  schema: {
    summary: 'Let a disabled account sign in again; admins only',
    tags,
    params,
    response: { 204: Type.Null() }
  }
})
