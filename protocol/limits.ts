/**
 * Limits that a client can run into, with defaults. Each can be set by the environment variable
 * `LIMITS_<NAME>` (`LIMITS_SENDS_PER_SECOND=50`), and the ones a client must know are announced in `hello`.
 */
export const DEFAULT_LIMITS = {
  /** Largest frame a client may send, bytes; those with cursors may be larger. */
  frameInBytes: 65_536,
  /** Largest message text, bytes of UTF-8. */
  textBytes: 16_384,
  /** Deepest nesting of a frame or a body. */
  depth: 16,
  /** Commands of one connection that wait for their reply. */
  commandsInFlight: 32,
  /** Commands and REST requests per second of one person, over all faces and connections, with a burst. */
  commandsPerSecond: 50,
  commandsBurst: 300,
  /** Messages sent per second and user, with a burst; all faces together. */
  sendsPerSecond: 5,
  sendsBurst: 20,
  /** A person's typing is passed on once in this time, per conversation, ms. */
  typingIntervalMs: 3_000,
  /** Open connections of one user. */
  connectionsPerUser: 20,
  /** Connections that one user opens in a minute, a fifth of them at once. */
  connectsPerMinute: 300,
  /** New connections of one address in a minute on which nobody has said who they are. */
  handshakesPerAddressPerMinute: 1_200,
  /** Open connections on which nobody has said so yet: of one address, and of all. */
  strangersPerAddress: 1_000,
  strangers: 5_000,
  /** Namespaces that one socket.io client asks to enter in ten seconds. */
  joinsPerTenSeconds: 10,
  /** Refusals that count at once before a connection is closed: each until its time to come back, 10 s at most. */
  refusalsPerTenSeconds: 200,
  /** Members of one group. */
  groupMembers: 10_000,
  /** Members added by one command. */
  membersPerCommand: 500,
  /** Groups that one person makes in a day, and people added to groups in a day who do not have them as a contact. */
  groupsPerDay: 200,
  strangersAddedPerDay: 10_000,
  /** Direct conversations that one person begins in a day, counted at the first message. */
  chatsBegunPerDay: 1_000,
  /** Conversations of one person: nobody is added to a group beyond them. */
  membershipsPerUser: 5_000,
  /** Distinct reactions on one message. */
  reactionsPerMessage: 20,
  /** Scheduled messages of one person that are not sent, those that were refused too. */
  scheduledMessages: 100,
  /** Pinned messages of one conversation. */
  pinsPerConversation: 50,
  /** Messages that one person has starred. */
  starsPerUser: 1_000,
  /** REST requests per minute: with a token that was good once, and of an address without one. */
  requestsPerMinute: 600,
  anonymousRequestsPerMinute: 600,
  /** Password tries per identifier and per address in fifteen minutes. */
  passwordTries: 10,
  passwordTriesPerAddress: 100,
  /** Accounts without a proved identifier registered from one network in an hour, with a burst. */
  registrationsPerHour: 60,
  registrationsBurst: 1_000,
  /** Codes that one network asks for, for one phone number or email: in a minute, in an hour, in a day. */
  codesPerMinute: 3,
  codesPerHour: 5,
  codesPerDay: 15,
  /** Wrong tries of a code. */
  codeTries: 5,
  /** Codes that one network asks for in an hour and nobody uses, with a burst. */
  codesPerAddressPerHour: 30,
  codesPerAddressBurst: 300,
  /** Unused codes in a day that one network asks for, for all phone numbers that differ in their last four digits only. */
  codesPerPrefixPerDay: 200,
  /** Codes in a day for phone numbers of one country, and in all by one channel. */
  codesPerCountryPerDay: 5_000,
  codesPerServerPerDay: 20_000,
  /** Requests about one QR code in a minute, of all who are not signed in. */
  qrRequestsPerMinute: 90,
  /** QR codes made in a minute by one person, or from one network; and as many pictures of them. */
  qrCodesPerMinute: 300,
  /** Open event streams about QR codes: about one code, of one network, and in all on one server. */
  qrStreamsPerCode: 2,
  qrStreamsPerAddress: 2_000,
  qrStreams: 10_000,
  /** Numbers that one person may look up in a day to find their contacts. */
  contactNumbersPerDay: 20_000,
  /** Requests (to talk, to be friends) that one person makes in a day, and that may be open at once. */
  requestsPerDay: 100,
  openRequests: 100,
  /** Largest file, and all files of one person, MiB. */
  fileMebibytes: 100,
  filesPerUserMebibytes: 10_240,
  /** Uploads of one person at once. */
  uploadsAtOnce: 4,
  /** Exports that one person begins in a day, and the largest archive, MiB. */
  exportsPerDay: 10,
  exportMebibytes: 2_048,
  /** Pages that are fetched in a minute for the links of one person; and all pictures of such pages, MiB. */
  previewsPerMinute: 30,
  previewPicturesMebibytes: 10_240,
  /** Uploads of one person that are to be continued. */
  unfinishedUploads: 100
} as const satisfies Record<string, number>

/** The limits in force: the defaults, with what the operator changed. */
export type Limits = { readonly [name in keyof typeof DEFAULT_LIMITS]: number }

/** Largest frame the server sends, bytes; pages are cut to fit. Announced with the limits, and not configurable. */
export const FRAME_OUT_BYTES = 262_144
/** A page of history, of a list, of a search: by default, and at most. */
export const PAGE_SIZE = 50
export const MAX_PAGE_SIZE = 100
/** Messages that are forwarded with one command, and conversations that they go into. */
export const MAX_FORWARDED = 20
export const MAX_FORWARD_TARGETS = 10
/** Entries of an address book in one call. */
export const CONTACTS_PER_SYNC = 5_000
/** A page of `sync:pull`: items, and bytes of items. */
export const SYNC_PAGE_ITEMS = 200
export const SYNC_PAGE_BYTES = 196_608
/** Bytes of messages, and bytes of profiles, in a list of conversations; bytes of messages in a numbered page. */
export const LIST_BYTES = 524_288
/** Unread messages of a conversation that are counted. */
export const MAX_UNREAD = 1_000
/** A client further behind than this is told to reload the conversation (`reset`). */
export const MAX_CHANGES_BEHIND = 5_000
/** Heads in one answer of `hello` or `sync:heads`; cursors that a client may bring. */
export const HEADS_PAGE = 500
export const MAX_CURSORS = 2_000
/** Largest frame of `hello` and `sync:heads`, bytes: as many cursors as there may be fit into it. Not configurable. */
export const CURSORS_FRAME_BYTES = 131_072
/**
 * Queued bytes at which ephemeral events are dropped; and bytes and frames that may wait behind others, for a client
 * that reads, however slowly. One that does not is closed by time.
 */
export const SLOW_SOFT_BYTES = 65_536
export const SLOW_HARD_BYTES = 4_194_304
export const SLOW_HARD_FRAMES = 4_096
/** Piece of what a client has missed, bytes: the next one is sent when the client has read it. */
export const CATCH_UP_PIECE_BYTES = 131_072
