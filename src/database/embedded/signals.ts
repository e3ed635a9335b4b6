const ILLEGAL =
  ': its CPU instructions are not there. MongoDB 5.0 and later needs a CPU with AVX (on virtual machines, one that passes it on); ' +
  'else set MONGODB_URI to a MongoDB on another machine'

/** The end of a `mongod` by a signal, in words that follow "was". */
export function endedBy(signal: NodeJS.Signals): string {
  return `ended by ${signal}${signal === 'SIGILL' ? ILLEGAL : ''}`
}
