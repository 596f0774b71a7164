/** A line that both sides take, put together from what the far side described and this end has. */

import type { Direction } from '../../../media/sdp/types.ts'
import { addressDoubt } from './address-doubt.ts'
import type { DescribedLine } from './described-line.ts'
import { receives } from './direction.ts'
import type { AgreedCodec, AgreedEvents, AgreedLine, LocalLine, LocalMedia } from './types.ts'

/** Why a line is not taken. */
export interface Misfit {
  readonly warning: 301 | 304 | 305 | 306
  readonly detail: string
}

export const isMisfit = (value: object): value is Misfit => 'warning' in value

/** Milliseconds per packet: what the far side asks for where this end can, never more than it takes. */
export const sendPtime = (
  ptimesMs: readonly number[],
  { ptimeMs, maxPtimeMs }: Pick<DescribedLine, 'ptimeMs' | 'maxPtimeMs'>,
): number => {
  const fits = ptimesMs.filter(each => maxPtimeMs === undefined || each <= maxPtimeMs)
  return fits.find(each => each === ptimeMs) ?? fits[0] ?? Math.min(...ptimesMs)
}

/** Of the family that the far side's address is of; a host name is reached by any. */
export const localAddressFor = ({ family }: DescribedLine, local: LocalMedia): string | Misfit => {
  const { address4, address6 } = local
  const own = family === 6 ? address6 : family === 4 ? address4 : (address4 ?? address6)
  if (own !== undefined) return own
  return { warning: 301, detail: `its address is IPv${family}, media here has none of that family` }
}

interface Chosen {
  readonly codec: AgreedCodec
  readonly alternatives: readonly AgreedCodec[]
  readonly events: readonly AgreedEvents[]
  readonly direction: Direction
  readonly rtcpMux: boolean
  readonly srtp: AgreedLine['srtp']
  readonly localAddress: string
}

export const agreedLine = (
  line: DescribedLine,
  kind: AgreedLine['kind'],
  own: LocalLine,
  signalling: string | undefined,
  chosen: Chosen,
): AgreedLine => ({
  index: line.index,
  kind,
  ...chosen,
  heldByPeer: !receives(line.direction),
  sendPtimeMs: sendPtime(own.ptimesMs, line),
  ptimeMs: line.ptimeMs,
  maxPtimeMs: line.maxPtimeMs,
  remote: {
    address: line.address,
    port: line.media.port,
    rtcpPort: chosen.rtcpMux ? line.media.port : line.rtcpPort,
    signalling,
  },
  doubt: addressDoubt(line.address, signalling),
  feedback: kind === 'video' ? line.feedback : [],
  bandwidthKbps: line.bandwidthKbps,
})
