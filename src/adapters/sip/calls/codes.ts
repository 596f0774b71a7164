/** Failures on our side as SIP tells them, and what SIP tells as failures. */
import type { GatewayError } from '../../../errors.ts'
import type { CallReason } from '../../call-desk.ts'

/** What a caller is told. */
export interface CallRefusal {
  readonly code: number
  readonly detail: string
  readonly retryAfterS?: number | undefined
}

const codes: Partial<Record<GatewayError['code'], number>> = {
  forbidden: 403,
  unauthorized: 403,
  'not-found': 404,
  'name-taken': 486,
  'stream-offline': 480,
  'no-common-codec': 488,
  'b-frames': 488,
  'transcode-unavailable': 488,
  'port-in-use': 503,
  busy: 503,
  'limit-exceeded': 503,
}

/** What the far side is told of a failure of ours. */
export const sipCodeOf = ({ code }: GatewayError): number => codes[code] ?? 500

/** RFC 3326: why we hang up. */
export const byeReason = ({ code, detail }: CallReason): string =>
  `SIP;cause=${code >= 300 ? code : 200};text="${detail.replace(/["\\\r\n]/g, "'").slice(0, 200)}"`
