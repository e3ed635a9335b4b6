import { AppError } from '../errors.ts'

/** Refusal of a conversation: a missing one and a foreign one are the same to a stranger. */
export function noSuchConversation(): AppError {
  return new AppError('not_found', 'No such conversation')
}

/** Refusal of a file that is missing, or that the actor does not see. */
export function noSuchFile(): AppError {
  return new AppError('not_found', 'There is no such file')
}

/** Refusal of a message that is missing or that the actor does not see. */
export function noSuchMessage(): AppError {
  return new AppError('not_found', 'No such message')
}
