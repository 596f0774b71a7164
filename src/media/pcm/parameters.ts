import type { PcmParameters } from '../types.ts'

export type RawCodec = 'pcmu' | 'pcma' | 'g722' | 'l16'

/**
 * Parameters of raw audio. G.711 and G.722 have a clock of 8000 Hz: G.722 samples at 16000 Hz, but its RTP
 * clock is 8000 by RFC 3551 section 4.5.2, and one tick is one byte. L16 is big-endian, interleaved.
 */
export const createPcmParams = (codec: RawCodec, channels = 1, clockRate = 8000): PcmParameters => ({
  codec,
  kind: 'audio',
  clockRate: codec === 'l16' ? clockRate : 8000,
  channels,
})

/** Bytes of all channels in one tick of the clock. */
export const pcmTickBytes = ({ codec, channels }: PcmParameters): number =>
  codec === 'l16' ? 2 * channels : channels
