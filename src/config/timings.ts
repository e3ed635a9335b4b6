/**
 * Waits and intervals of the server, ms. Each can be set by the environment variable `TIMINGS_<NAME>`
 * (`TIMINGS_HEARTBEAT_MS=20000`). The defaults are what PROTOCOL.md promises.
 */
export const DEFAULT_TIMINGS = {
  /** Silence after which a connection is pinged; announced in `hello`. */
  heartbeatMs: 25_000,
  /** Silence after which it is closed with `heartbeat_timeout`. */
  heartbeatTimeoutMs: 60_000,
  /** Time to sign in; then `hello_timeout`. */
  helloTimeoutMs: 10_000,
  /** Time without progress of a client that has something to read; then `slow_consumer`. */
  slowReaderMs: 15_000,
  /** Time to answer a close; then the connection is cut. */
  closeTimeoutMs: 1_000,
  /** Interval at which each connection is checked. */
  sweepMs: 5_000,
  /** `auth:expiring` is sent this long before the token ends. */
  authWarningMs: 60_000,
  /** Time over which a drain sends clients away, at most. */
  drainWindowMs: 20_000,
  /** Time that commands under way get to finish at a drain. */
  drainFinishMs: 5_000,
  /** Time for which a connection of HTTP stays after an answer: longer than proxies keep those to a server. */
  keepAliveMs: 130_000,
  /** Delay before a client whose event stream was ended by a drain comes back, at least. */
  drainRetryMs: 5_000,
  /** Time that requests under way get to finish at a stop, once the sockets are closed. */
  requestFinishMs: 5_000,
  /** Pause between two writes of what has reached one connection that acknowledges nothing. */
  receiptPauseMs: 500,
  /** Pause between two changes of one person's presence, or of their profile, that others are told. */
  livePauseMs: 2_000,
  /** Interval at which it is kept who is online: a crash hides no more than that of when they were seen last. */
  sightingMs: 60_000,
  /** Pause between two looks for messages that are over. They are shown to nobody meanwhile. */
  expiryMs: 2_000,
  /** Pause between two looks for messages whose links are to be shown with a preview. */
  previewMs: 1_000,
  /** Time after which work in the background of a server that has died is taken over by another. */
  leaseMs: 30_000,
  /** Pause between two looks for what other processes have committed. */
  headPollMs: 1_500,
  /** Pause between two looks for messages to index for the search, and for changed ones. */
  indexMs: 5_000,
  /** Silence of a conversation after which its last messages are indexed though they fill no block. */
  indexIdleMs: 600_000,
  /** Time in which a sound or a film that is uploaded is looked at; what it has not told by then is not known. */
  recordingMs: 10_000,
  /** Time that a scanner gets for a file that is uploaded. */
  scanMs: 120_000,
  /** Time that a gap in a stream gets to close by itself before it is read from the store. */
  gapPatienceMs: 250,
  /** Pause between two looks at a QR code that somebody waits for. */
  qrPollMs: 1_000,
  /** Pause between two comments on an event stream. */
  streamBeatMs: 15_000,
  /** Delay before a client whose event stream has ended comes back. */
  streamRetryMs: 2_000,
  /** Time that a socket.io client of version 2 gets to name a namespace before it enters the main one. */
  legacyNamespaceMs: 250,
  /** Time for which a block, a session, or settings changed on another node may still be taken for unchanged. */
  blockCacheMs: 10_000,
  sessionCacheMs: 30_000,
  settingsCacheMs: 30_000,
  /** Time in which a refresh may be repeated though an access token of its answer has come in already. */
  refreshGraceMs: 10_000,
  /** Pause before each try of a password, once there were too many wrong ones. */
  slowTryMs: 1_000,
  /** Time for which a refusal is held back of who goes on asking without waiting. */
  heldRefusalMs: 1_000,
  /** Life of a ticket that opens one connection. */
  ticketMs: 30_000,
  /** Time after the cut of an event stream in which the ticket that has opened it continues it. */
  streamTicketMs: 600_000
} as const satisfies Record<`${string}Ms`, number>

/** The timings in force: the defaults, with what the operator changed. */
export type Timings = { readonly [name in keyof typeof DEFAULT_TIMINGS]: number }

/** The look for what others have committed may not take longer: resuming relies on it, ms. */
const MAX_HEAD_POLL_MS = 5_000

/** Timings that do not go together, as sentences for the operator. @param nameOf the variable of a timing */
export function contradictions(timings: Timings, nameOf: (timing: keyof Timings) => string): string[] {
  const problems: string[] = []
  if (timings.heartbeatTimeoutMs <= timings.heartbeatMs) {
    problems.push(`${nameOf('heartbeatTimeoutMs')}: must be more than ${nameOf('heartbeatMs')}`)
  }
  if (timings.headPollMs > MAX_HEAD_POLL_MS) {
    problems.push(`${nameOf('headPollMs')}: must be at most ${MAX_HEAD_POLL_MS}, because resuming relies on it`)
  }
  return problems
}
