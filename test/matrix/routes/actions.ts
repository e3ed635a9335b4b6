import type { ErrorCode } from '../../../protocol/errors.ts'

/** Standing of a person: in a group, in a direct conversation, or in one across a block, either way. */
export type AccountStatus = 'open' | 'closed' | 'admin' | 'owner' | 'direct' | 'apart'

/** Outcome by standing; one left out is not tried. */
type Rule = Partial<Record<AccountStatus, 'ok' | ErrorCode | undefined>>

/** Something that can be done, by whichever words, and who may do it. */
export interface Action {
  readonly rule: Rule
  /** Author of the message it is done to: oneself by default. */
  readonly message?: 'own' | 'foreign' | 'note'
  /** Whom it names: a plain member, or the other of two, unless told. */
  readonly user?: 'target' | 'admin' | 'owner' | 'outsider' | 'self'
  /** Direction of the request: incoming by default. */
  readonly request?: 'outgoing'
  /** Taken by it: what has been said until then from the actor’s sight, or the whole room unless told. */
  readonly spends?: 'nothing' | 'message' | 'sight'
}

const EVERYBODY: Rule = { open: 'ok', closed: 'ok', admin: 'ok', owner: 'ok', direct: 'ok', apart: 'ok' }
const UNBLOCKED: Rule = { ...EVERYBODY, apart: 'blocked' }
const NOBODY: Rule = {
  ...{ open: 'forbidden', closed: 'forbidden', admin: 'forbidden', owner: 'forbidden' },
  ...{ direct: 'forbidden', apart: 'forbidden' }
}
const NOTHING: Rule = {
  ...{ open: 'not_found', closed: 'not_found', admin: 'not_found', owner: 'not_found' },
  ...{ direct: 'not_found', apart: 'not_found' }
}
const IN_GROUPS: Rule = { ...EVERYBODY, direct: 'invalid', apart: 'invalid' }
const AS_SETTINGS_SAY: Rule = { ...IN_GROUPS, closed: 'forbidden' }
const ADMINS: Rule = { ...AS_SETTINGS_SAY, open: 'forbidden' }
const OWNER: Rule = { ...ADMINS, admin: 'forbidden' }

/**
 * Permissions by action. `open` and `closed` are plain members: of a group that leaves them what can be left to members
 * (sending, adding, changing its looks), and of one that leaves it to admins. Muting changes nothing of it.
 */
export const ACTIONS = {
  read: { rule: EVERYBODY, spends: 'nothing' },
  'look at the group': { rule: { ...EVERYBODY, direct: 'not_found', apart: 'not_found' } },
  'keep it one’s own way': { rule: EVERYBODY, spends: 'message' },
  'put it away': { rule: EVERYBODY, spends: 'sight' },
  send: { rule: { ...UNBLOCKED, closed: 'forbidden' }, spends: 'nothing' },
  pin: { rule: { ...UNBLOCKED, open: 'forbidden', closed: 'forbidden' }, message: 'foreign', spends: 'nothing' },
  react: { rule: UNBLOCKED, message: 'foreign', spends: 'nothing' },
  'edit one’s own': { rule: UNBLOCKED, spends: 'nothing' },
  'edit another’s': { rule: NOBODY, message: 'foreign' },
  'delete one’s own': { rule: EVERYBODY, spends: 'message' },
  'delete another’s': { rule: { ...NOBODY, admin: 'ok', owner: 'ok' }, message: 'foreign', spends: 'message' },
  'change what is recorded': { rule: { ...NOBODY, direct: undefined, apart: undefined }, message: 'note' },
  'change how the group looks': { rule: AS_SETTINGS_SAY, spends: 'nothing' },
  'change who may do what': { rule: ADMINS },
  'set the timer': { rule: { ...ADMINS, direct: 'ok', apart: 'blocked' } },
  'add somebody': { rule: AS_SETTINGS_SAY, user: 'outsider' },
  'remove a member': { rule: ADMINS },
  'remove an admin': { rule: OWNER, user: 'admin' },
  'remove the owner': { rule: { ...OWNER, owner: undefined }, user: 'owner' },
  leave: { rule: IN_GROUPS, user: 'self' },
  'raise a member': { rule: ADMINS },
  'lower an admin': { rule: OWNER, user: 'admin' },
  'hand the group over': { rule: OWNER },
  'choose the admins': { rule: OWNER },
  'end the group': { rule: OWNER },
  'disable somebody': { rule: NOBODY },
  'look at somebody': { rule: EVERYBODY, spends: 'nothing' },
  'block or forget somebody': { rule: EVERYBODY },
  'know somebody': { rule: UNBLOCKED, spends: 'nothing' },
  'open a chat': { rule: UNBLOCKED, spends: 'nothing' },
  'make a group with somebody': { rule: UNBLOCKED, spends: 'nothing' },
  'ask somebody': { rule: UNBLOCKED },
  accept: { rule: UNBLOCKED },
  decline: { rule: EVERYBODY },
  cancel: { rule: EVERYBODY, request: 'outgoing' },
  'answer one’s own question': { rule: NOBODY, request: 'outgoing' },
  'take another’s question back': { rule: NOBODY },
  'change somebody else': { rule: NOBODY },
  'end a session that is not one’s own': { rule: { direct: 'not_found', apart: 'not_found' } },
  'look at a file of somebody else': { rule: NOTHING, spends: 'nothing' },
  'touch an export of somebody else': { rule: NOTHING, spends: 'nothing' },
  'go on with an upload of somebody else': { rule: NOTHING, spends: 'nothing' },
  'touch what another has scheduled': { rule: { direct: 'not_found', apart: 'not_found' } },
  'list one’s own': { rule: EVERYBODY }
} as const satisfies Record<string, Action>
export type ActionName = keyof typeof ACTIONS
