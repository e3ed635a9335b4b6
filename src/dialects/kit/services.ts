import type { AddressService, OtpService, PasswordSignIn, QrService, SessionService } from '../../accounts/index.ts'
import type { createConversations } from '../../conversations/index.ts'
import type { FileService } from '../../media/index.ts'
import type { createMessages } from '../../messages/index.ts'
import type { createRequests } from '../../requests/index.ts'
import type { createSearch } from '../../search/index.ts'
import type { createUsers } from '../../users/index.ts'

/** The subjects that dialects translate for. */
export type Services = ReturnType<typeof createUsers> &
  ReturnType<typeof createConversations> &
  ReturnType<typeof createRequests> &
  ReturnType<typeof createMessages> &
  ReturnType<typeof createSearch> & {
    readonly addresses: AddressService
    readonly auth: PasswordSignIn
    readonly files: FileService
    readonly otp: OtpService
    readonly qr: QrService
    readonly sessions: SessionService
  }
