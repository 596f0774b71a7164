import { GatewayError } from '../../errors.ts'
import { createAacWriter } from '../aac/rtp.ts'
import { createAv1Writer } from '../av1/rtp.ts'
import { createH264Writer } from '../h264/rtp.ts'
import { createH265Writer } from '../h265/rtp.ts'
import { createOpusWriter } from '../opus/rtp.ts'
import { createPcmWriter } from '../pcm/rtp.ts'
import type { CodecParameters, Frame } from '../types.ts'
import { createVp8Writer } from '../vp8/rtp.ts'
import { createVp9Writer } from '../vp9/rtp.ts'
import { PacketWriter } from './packet-writer.ts'
import type { PayloadWriter } from './payload.ts'
import type { Packetiser, PacketiserOptions, PacketSink } from './types.ts'

/** The smallest payload that holds every codec's own headers and some data. */
const MIN_PAYLOAD = 64

const createWriter = (params: CodecParameters, options: PacketiserOptions): PayloadWriter => {
  const { maxPayload } = options
  switch (params.codec) {
    case 'h264':
      return createH264Writer(maxPayload, options.h264PacketizationMode ?? 1)
    case 'h265':
      return createH265Writer(maxPayload)
    case 'av1':
      return createAv1Writer(maxPayload)
    case 'vp8':
      return createVp8Writer(maxPayload)
    case 'vp9':
      return createVp9Writer(maxPayload)
    case 'opus':
      return createOpusWriter()
    case 'aac':
      return createAacWriter(maxPayload)
    case 'pcmu':
    case 'pcma':
    case 'g722':
    case 'l16':
      return createPcmWriter(params, maxPayload)
    default:
      throw new GatewayError('unsupported-codec', `${params.codec} cannot be written to RTP`)
  }
}

class RtpPacketiser implements Packetiser {
  framesDropped = 0
  readonly #writer: PayloadWriter
  readonly #out: PacketWriter
  readonly #isVideo: boolean
  readonly #markEach: boolean
  #first = true

  constructor(params: CodecParameters, options: PacketiserOptions, emit: PacketSink) {
    this.#writer = createWriter(params, options)
    this.#out = new PacketWriter(params.kind, emit)
    this.#isVideo = params.kind === 'video'
    this.#markEach = this.#isVideo || params.codec === 'aac'
  }

  push(frame: Frame): void {
    this.#out.begin(frame)
    const written = frame.units.length > 0 && this.#writer.write(frame, this.#out)
    if (!written) this.framesDropped += 1
    // Speech codecs mark the start of a talk spurt (RFC 3551 section 4.1), video and AAC the end of each
    // frame.
    this.#out.end(this.#markEach || this.#first || frame.discontinuity)
    this.#first = false
  }
}

/**
 * RTP packets out of the frames of one track. Each packet is complete: a 12-byte header with payload type 0
 * and SSRC 0, which senders replace, and the payload. Timestamps are the frames' pts, sequence numbers count
 * from 0.
 * @throws GatewayError 'unsupported-codec' when there is no payload format for the codec; 'bad-request' for a
 * `maxPayload` too small to be cut to
 */
export const createPacketiser = (
  params: CodecParameters,
  options: PacketiserOptions,
  emit: PacketSink,
): Packetiser => {
  if (options.maxPayload < MIN_PAYLOAD)
    throw new GatewayError(
      'bad-request',
      `RTP payloads of ${options.maxPayload} bytes, at least ${MIN_PAYLOAD} are needed`,
    )
  return new RtpPacketiser(params, options, emit)
}
