/** Packets to samples, each codec at the rate and number of channels that is nearest to what is wanted. */
import { decodeG711, lawOf } from '../../media/g711/law.ts'
import { G722Decoder } from '../../media/g722/decoder.ts'
import { decodeL16 } from '../../media/pcm/l16.ts'
import type { CodecParameters } from '../../media/types.ts'
import { Concealer } from '../../media/voice/concealer.ts'
import { OPUS_RATES, type Opus, type OpusRate } from './opus.ts'
import type { VoiceDecoder } from './types.ts'

interface Shape {
  readonly rate: number
  readonly channels: number
}

/** G.722 at 16 kHz: twice its clock rate, RFC 3551 section 4.5.2. */
const G722_RATE = 16_000
const OPUS_FULL_RATE = 48_000

/** Samples: what is lost is made up from what was heard, each channel by itself. */
class PcmDecoder implements VoiceDecoder {
  readonly rate: number
  readonly channels: number
  readonly #read: (payload: Uint8Array) => Int16Array
  readonly #concealers: readonly Concealer[]

  constructor({ rate, channels }: Shape, read: (payload: Uint8Array) => Int16Array) {
    this.rate = rate
    this.channels = channels
    this.#read = read
    this.#concealers = Array.from({ length: channels }, () => new Concealer(rate))
  }

  decode(payload: Uint8Array): Int16Array | undefined {
    const pcm = this.#read(payload)
    if (pcm.length === 0 || pcm.length % this.channels !== 0) return undefined
    if (this.channels === 1) this.#concealers[0]!.heard(pcm)
    else for (let channel = 0; channel < this.channels; channel++) this.#hear(pcm, channel)
    return pcm
  }

  conceal(samples: number): Int16Array {
    if (this.channels === 1) return this.#concealers[0]!.conceal(samples)
    const out = new Int16Array(samples * this.channels)
    for (let channel = 0; channel < this.channels; channel++)
      this.#weave(this.#concealers[channel]!.conceal(samples), out, channel)
    return out
  }

  #hear(pcm: Int16Array, channel: number): void {
    const one = new Int16Array(pcm.length / this.channels)
    for (let i = 0; i < one.length; i++) one[i] = pcm[i * this.channels + channel]!
    this.#concealers[channel]!.heard(one)
    this.#weave(one, pcm, channel)
  }

  #weave(one: Int16Array, out: Int16Array, channel: number): void {
    for (let i = 0; i < one.length; i++) out[i * this.channels + channel] = one[i]!
  }
}

/**
 * libopus conceals by itself: a packet of nothing but its table of contents stands for one that is lost (RFC 6716
 * section 4.4), and a decoder for fewer channels or a lower rate mixes and filters by itself.
 */
class OpusDecoder implements VoiceDecoder {
  readonly rate: number
  readonly channels: number
  readonly #decoder: InstanceType<Opus['Decoder']>
  /** Table of contents of the last packet, for one frame. */
  #contents = 0xf8

  constructor(opus: Opus, rate: OpusRate, channels: 1 | 2) {
    this.rate = rate
    this.channels = channels
    this.#decoder = new opus.Decoder({ channels, sample_rate: rate })
  }

  decode(payload: Uint8Array): Int16Array | undefined {
    try {
      const pcm = this.#samples(payload)
      this.#contents = payload[0]! & 0xfc
      return pcm
    } catch {
      return undefined
    }
  }

  conceal(samples: number): Int16Array {
    const out = new Int16Array(samples * this.channels)
    for (let at = 0; at < out.length; ) {
      const made = this.#samples(Uint8Array.of(this.#contents))
      out.set(made.subarray(0, out.length - at), at)
      at += made.length
    }
    return out
  }

  #samples(packet: Uint8Array): Int16Array {
    const bytes = this.#decoder.decode(packet)
    return new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1)
  }
}

/** `wanted`: what the encoder behind it takes; what cannot be had from the codec is left to a resampler. */
export const createDecoder = (
  params: CodecParameters,
  wanted: Shape,
  opus: Opus | undefined,
): VoiceDecoder | undefined => {
  const channels = 'channels' in params ? params.channels : 1
  switch (params.codec) {
    case 'pcmu':
    case 'pcma': {
      const law = lawOf(params.codec)
      return new PcmDecoder({ rate: params.clockRate, channels }, payload => decodeG711(law, payload))
    }
    case 'g722': {
      const decoder = new G722Decoder()
      return new PcmDecoder({ rate: G722_RATE, channels: 1 }, payload => decoder.decode(payload))
    }
    case 'l16':
      return new PcmDecoder({ rate: params.clockRate, channels }, decodeL16)
    case 'opus': {
      const rate = OPUS_RATES.includes(wanted.rate) ? wanted.rate : OPUS_FULL_RATE
      return opus && new OpusDecoder(opus, rate as OpusRate, wanted.channels === 1 ? 1 : 2)
    }
    default:
      return undefined
  }
}
