import { Type } from '@sinclair/typebox'
import { route } from '../route.ts'
import { closed } from '../schema.ts'
import { Presence, PresenceStatus } from './entities.ts'

export const CountPresence = route({
  method: 'GET',
  url: '/presence/count',
  schema: {
    summary: 'How many people are there',
    tags: ['users'],
    response: { 200: closed({ count: Type.Integer({ minimum: 0 }) }) }
  }
})

export const SetPresence = route({
  method: 'PUT',
  url: '/presence',
  schema: {
    summary: 'How you are shown, on all the devices that are connected now',
    tags: ['users'],
    body: closed({ status: PresenceStatus }),
    response: { 204: Type.Null() }
  }
})

const tags = ['users']

export const GetPresence = route({
  method: 'GET',
  url: '/presence',
  schema: {
    summary: 'Who is there',
    tags,
    querystring: closed({
      ids: Type.String({
        maxLength: 200 * 30,
        description: 'User ids, separated by commas; 200 at most.',
        examples: ['user_64b7f0c2a1d3e4f5a6b7c8d9']
      })
    }),
    response: { 200: closed({ presence: Type.Array(Presence) }) }
  }
})
