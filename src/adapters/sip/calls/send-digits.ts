/** Digits to the far side: in RTP where it takes events, else as tones, else by INFO. */
import { GatewayError } from '../../../errors.ts'
import { type Digit, parseDigits } from '../../../media/dtmf/digits.ts'
import { formatDtmfInfo } from '../../../media/dtmf/info-body.ts'
import type { DigitsWay } from '../../call-desk.ts'
import type { Call } from './call.ts'

/** Ways in which digits reach the far side, best first. */
export const digitsWays = ({ media, session }: Call): readonly DigitsWay[] => {
  const inMedia = (media.audio?.paced?.digitWays ?? []).map(way => (way === 'rfc4733' ? 'rtp' : 'inband'))
  return session === undefined ? inMedia : [...inMedia, 'info']
}

const byInfo = async (call: Call, digits: readonly Digit[]): Promise<void> => {
  const type = 'application/dtmf-relay'
  for (const digit of digits) {
    const response = await call.liveSession().info({ type, content: formatDtmfInfo(type, { digit }) })
    if (response.code >= 300)
      throw new GatewayError('refused', `the far side answered ${response.code} to the digit ${digit}`)
  }
}

/**
 * Resolves when the last has left.
 * @throws GatewayError 'bad-request' for what are no digits, 'unsupported-codec' for a way that was not agreed on
 */
export const sendDigits = async (call: Call, text: string, how?: DigitsWay): Promise<void> => {
  const digits = parseDigits(text)
  if (digits === undefined || digits.length === 0 || digits.length > 128)
    throw new GatewayError('bad-request', 'digits are 1 to 128 of 0-9 * # A-D')
  call.liveSession()
  const ways = digitsWays(call)
  const way = how ?? ways[0] ?? 'info'
  if (!ways.includes(way))
    throw new GatewayError('unsupported-codec', `digits by ${way}: this call has ${ways.join(', ')}`)
  if (way === 'info') await byInfo(call, digits)
  else await call.media.audio?.paced?.sendDigits(digits, way === 'rtp' ? 'rfc4733' : 'in-band')
}
