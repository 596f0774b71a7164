/** Session descriptions as bodies of SIP messages. */
import type { Body } from '../message/types.ts'
import type { Described, Refusal } from '../offer-answer/types.ts'

export const sdpBody = ({ text }: Described): Body => ({ type: 'application/sdp', content: text })

export const isSdp = ({ type }: Body): boolean => type.split(';')[0]!.trim() === 'application/sdp'

/** The Warning header of a refusal (RFC 3261 20.43); quotes would end it early. */
export const warningOf = ({ warning, detail }: Refusal): string =>
  `${warning} crosspoint "${detail.replace(/["\\\r\n]/g, "'").slice(0, 300)}"`
