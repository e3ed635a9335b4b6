import { Type } from '@sinclair/typebox'
import { ephemeral } from '../envelope.ts'
import { StreamId } from '../ids.ts'
import { Counter, closed } from '../schema.ts'

/** Events of server-sent event streams alone; a socket has replies for the same. */
export const StreamReady = ephemeral(
  'ready',
  'The stream is live; everything that was missed has been sent.',
  closed({ connectionId: Type.String(), heartbeatMs: Type.Integer() })
)

export const StreamEnd = ephemeral(
  'end',
  'The stream ends here: by the code that a socket is closed with, and its name.',
  closed({ code: Type.Integer(), reason: Type.String() })
)

export const StreamReset = ephemeral(
  'reset',
  'A stream has gone on too far to be sent again; load what it is about anew, it is at this `rev`.',
  closed({ stream: StreamId, rev: Counter })
)
