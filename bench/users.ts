import { SignJWT } from 'jose'
import { ObjectId } from 'mongodb'

/** Signs and checks the tokens of every server of the bench; worth nothing anywhere else. */
export const JWT_SECRET = 'a-secret-of-the-bench-and-of-nothing-else'

/** User who sends or receives. */
export interface BenchUser {
  /** 24 hexadecimal digits. */
  readonly id: string
  readonly token: string
}

/** People of an external user system: their tokens name them in `sub` (Parley) and in `userId` (the fifth document). */
export async function mintUsers(count: number): Promise<BenchUser[]> {
  const key = new TextEncoder().encode(JWT_SECRET)
  const users: BenchUser[] = []
  for (let index = 0; index < count; index++) {
    const id = new ObjectId().toHexString()
    const token = await new SignJWT({ userId: id })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(id)
      .setIssuedAt()
      .setExpirationTime('2h')
      .sign(key)
    users.push({ id, token })
  }
  return users
}
