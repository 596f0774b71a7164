import { GatewayError } from '../../errors.ts'
import type { OpusParameters } from '../types.ts'

const OPUS_CLOCK_RATE = 48_000

/** `fmtp` as in SDP, without the payload type: 'minptime=10;useinbandfec=1'. */
export const createOpusParams = (channels: 1 | 2 = 2, fmtp = ''): OpusParameters => ({
  codec: 'opus',
  kind: 'audio',
  clockRate: OPUS_CLOCK_RATE,
  channels,
  fmtp,
})

const MAGIC = 'OpusHead'

/**
 * Parameters from an identification header, RFC 7845 section 5.1 (Enhanced RTMP sequence start, Ogg, WebM).
 * @throws GatewayError 'malformed', or 'unsupported-codec' for more than two channels.
 */
export const parseOpusHead = (bytes: Uint8Array): OpusParameters => {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length))
  if (bytes.length < 19 || magic !== MAGIC) throw new GatewayError('malformed', 'OpusHead is cut short')
  const channels = bytes[9]!
  if (channels === 0) throw new GatewayError('malformed', 'OpusHead has no channels')
  if (channels > 2) throw new GatewayError('unsupported-codec', `opus with ${channels} channels`)
  return createOpusParams(channels === 1 ? 1 : 2)
}

/** Builds an OpusHead: mapping family 0, input rate 48 kHz, no gain. */
export const buildOpusHead = (params: OpusParameters, preSkip = 312): Uint8Array => {
  const head = new Uint8Array(19)
  const view = new DataView(head.buffer)
  for (let i = 0; i < MAGIC.length; i += 1) head[i] = MAGIC.charCodeAt(i)
  head[8] = 1
  head[9] = params.channels
  view.setUint16(10, preSkip, true)
  view.setUint32(12, OPUS_CLOCK_RATE, true)
  return head
}
