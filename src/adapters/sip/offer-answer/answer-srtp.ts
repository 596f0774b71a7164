/** Which key line of an offer is taken, by the rule for encryption of this end (RFC 4568 5.1.2). */
import { attributesOf } from '../../../media/sdp/attributes.ts'
import type { SdpCrypto } from '../../../media/sdp/crypto.ts'
import type { SdesKeys } from '../../../rtp-session/plain/types.ts'
import type { Misfit } from './agreed-line.ts'
import type { DescribedLine } from './described-line.ts'
import type { LocalLine, SrtpMode } from './types.ts'

export interface AnsweredSrtp {
  readonly keys: SdesKeys | undefined
  /** The line to answer with; empty in clear. */
  readonly cryptos: readonly SdpCrypto[]
}

const CLEAR: AnsweredSrtp = { keys: undefined, cryptos: [] }

/** In the offerer's order, of what this end has keys for. */
const usable = ({ cryptos }: DescribedLine, { keys }: LocalLine): AnsweredSrtp | undefined => {
  for (const { tag, suite, keySalt } of cryptos) {
    const own = keys.find(key => key.suite === suite)
    if (own === undefined) continue
    return {
      keys: { suite, local: own.keySalt, remote: keySalt },
      cryptos: [{ tag, suite, keySalt: own.keySalt }],
    }
  }
  return undefined
}

const misfit = (detail: string): Misfit => ({ warning: 306, detail })

const whyUnusable = ({ media, hasCryptoLines }: DescribedLine, { keys }: LocalLine): string => {
  if (hasCryptoLines)
    return `none of its key lines can be used; taken: ${keys.map(({ suite }) => suite).join(', ')} with one inline key`
  const fingerprints = attributesOf(media, 'fingerprint').length
  return fingerprints > 0 ? 'its keys come by DTLS; taken: a=crypto' : 'it has no a=crypto line'
}

export const answerSrtp = (line: DescribedLine, mode: SrtpMode, own: LocalLine): AnsweredSrtp | Misfit => {
  const { protocol } = line.media
  if (mode === 'off') return line.isSecure ? misfit(`${protocol} is encrypted, and SRTP is off here`) : CLEAR
  const found = usable(line, own)
  if (found !== undefined) return found
  if (line.isSecure) return misfit(`${protocol}: ${whyUnusable(line, own)}`)
  if (mode === 'required') return misfit(`SRTP is required here, and ${whyUnusable(line, own)} (${protocol})`)
  return CLEAR
}
