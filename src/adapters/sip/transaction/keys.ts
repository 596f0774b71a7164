import { branchCookie } from '../message/tokens.ts'
import type { SipRequest, Via } from '../message/types.ts'

const sentBy = ({ host, port }: Via): string => `${host}:${port ?? ''}`

/**
 * What makes two requests one (RFC 3261 17.2.3): branch, sent-by and method. ACK and CANCEL are looked up with the
 * method of the request they belong to. Peers of RFC 2543 have no unique branch: their whole request counts.
 */
export const serverKey = (request: SipRequest, method = request.method): string => {
  const branch = request.via.params.get('branch') ?? ''
  if (branch.startsWith(branchCookie)) return `${branch} ${sentBy(request.via)} ${method}`
  const { rawUri, callId, cseq, from } = request
  return `${rawUri} ${callId} ${cseq} ${from.params.get('tag') ?? ''} ${sentBy(request.via)} ${branch} ${method}`
}

export const clientKey = (branch: string, method: string): string => `${branch} ${method}`

/** Two requests with the same one but different keys came over different ways: the later is answered 482 (8.2.2.2). */
export const mergeKey = ({ callId, cseq, from, method }: SipRequest): string =>
  `${callId} ${cseq} ${from.params.get('tag') ?? ''} ${method}`
