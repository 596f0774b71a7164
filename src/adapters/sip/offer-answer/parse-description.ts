import { toGatewayError } from '../../../errors.ts'
import { parseSdp } from '../../../media/sdp/parse.ts'
import type { Described, Refusal } from './types.ts'

/** What the far side sent, as a description; 400 when it is none. */
export const parseDescription = (text: string): Described | Refusal => {
  try {
    return { text, session: parseSdp(text) }
  } catch (error) {
    const { detail, message } = toGatewayError(error)
    return { outcome: 'refused', code: 400, warning: 399, detail: detail ?? message }
  }
}
