import type { RequestDraft } from '../message/format-message.ts'
import type { SipResponse } from '../message/types.ts'

/** Signs a request that was challenged; undefined when it cannot be, or was in vain before. */
export type Sign = (challenge: SipResponse, draft: RequestDraft) => RequestDraft | undefined
