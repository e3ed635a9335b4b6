import { route } from '../route.ts'
import { Forward, Forwarded } from './events.ts'

export const ForwardMessages = route({
  method: 'POST',
  url: '/messages/forward',
  schema: {
    summary: 'Forward messages into conversations; what fails in one of them leaves the others as they are',
    tags: ['messages'],
    body: Forward,
    response: { 200: Forwarded }
  }
})
