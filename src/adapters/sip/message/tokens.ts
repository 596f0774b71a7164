import { randomFillSync } from 'node:crypto'

/** Random bytes by the page: one call of the generator serves many tokens. */
const page = Buffer.alloc(4096)
let used = page.length

/** Hex of `bytes` random bytes that nobody can guess. */
export const randomHex = (bytes: number): string => {
  if (used + bytes > page.length) {
    randomFillSync(page)
    used = 0
  }
  used += bytes
  return page.toString('hex', used - bytes, used)
}

/** The cookie says that it is unique (RFC 3261 8.1.1.7). */
export const branchCookie = 'z9hG4bK'
export const newBranch = (): string => branchCookie + randomHex(10)
export const newTag = (): string => randomHex(8)
export const newCallId = (): string => randomHex(16)
