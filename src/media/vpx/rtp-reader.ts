/** VP8 and VP9 out of RTP: whole pictures, and parameters from what key frames say. */
import type { FrameSink, PayloadReader } from '../rtp/payload.ts'
import type { RtpPacket, VpxParameters } from '../types.ts'
import { withPicture } from './parameters.ts'

interface VpxHeader {
  readonly key: boolean
  readonly profile: number
  readonly size: VpxParameters['size']
}
export interface VpxUnpacking {
  isHead(bytes: Uint8Array, start: number, end: number): boolean
  /** The coded picture; undefined when a payload descriptor is damaged. */
  join(packets: readonly RtpPacket[]): Uint8Array | undefined
  readHeader(data: Uint8Array): VpxHeader | undefined
}

export const createVpxReader = (initial: VpxParameters, codec: VpxUnpacking): PayloadReader => {
  let params = initial
  const takeParams = (header: VpxHeader, out: FrameSink): void => {
    const next = withPicture(params, header.profile, header.size)
    if (next === params) return
    params = next
    out.params(params)
  }
  return {
    framePerPacket: false,
    isHead: ({ bytes, payloadStart, payloadEnd }) => codec.isHead(bytes, payloadStart, payloadEnd),
    read: (packets, out) => {
      const data = codec.join(packets)
      const header = data && codec.readHeader(data)
      if (data === undefined || header === undefined) return false
      if (header.key) takeParams(header, out)
      out.frame([data], packets[0]!.ts, 0, header.key)
      return true
    },
  }
}
