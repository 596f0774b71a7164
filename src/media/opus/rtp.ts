/** Opus in RTP, RFC 7587: one Opus packet per RTP packet, whatever its size. */
import type { PayloadReader, PayloadWriter } from '../rtp/payload.ts'
import { readOpusDuration } from './toc.ts'

export const createOpusWriter = (): PayloadWriter => ({
  write: (frame, out) => {
    const data = frame.units[0]
    if (data === undefined || data.length === 0) return false
    out.copy(data, 0, data.length, 0)
    return true
  },
})

export const createOpusReader = (): PayloadReader => ({
  framePerPacket: true,
  isHead: () => true,
  read: (packets, out) => {
    const { bytes, payloadStart, payloadEnd, ts } = packets[0]!
    const data = bytes.subarray(payloadStart, payloadEnd)
    const duration = readOpusDuration(data)
    if (duration === undefined) return false
    out.frame([data], ts, duration, true)
    return true
  },
})
