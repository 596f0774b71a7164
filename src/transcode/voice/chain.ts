/** Decoder, resampler, encoder: packets in, packets of 20 ms out, without a seam between blocks. */
import type { Accept } from '../../core/types.ts'
import { createOpusParams } from '../../media/opus/parameters.ts'
import { withChannels } from '../../media/pcm/channels.ts'
import { createPcmParams } from '../../media/pcm/parameters.ts'
import { Resampler } from '../../media/pcm/resampler.ts'
import type { CodecParameters } from '../../media/types.ts'
import { createDecoder } from './decoders.ts'
import { createEncoder } from './encoders.ts'
import type { Opus } from './opus.ts'
import type { VoiceDecoder, VoiceEncoder } from './types.ts'

const PACKET_S = 0.02

export class Chain {
  readonly #decoder: VoiceDecoder
  readonly #encoder: VoiceEncoder
  readonly #resampler: Resampler | undefined
  readonly #emit: (data: Uint8Array) => void
  /** The packet that is being filled. */
  readonly #block: Int16Array
  #filled = 0

  /** `emit` gets packets of exactly 20 ms, which are its own. */
  constructor(decoder: VoiceDecoder, encoder: VoiceEncoder, emit: (data: Uint8Array) => void) {
    this.#decoder = decoder
    this.#encoder = encoder
    this.#emit = emit
    if (decoder.rate !== encoder.rate)
      this.#resampler = new Resampler(decoder.rate, encoder.rate, encoder.channels)
    this.#block = new Int16Array(Math.round(encoder.rate * PACKET_S) * encoder.channels)
  }

  /** "opus 48000 Hz 1 ch 24 kbit/s" */
  get target(): string {
    return this.#encoder.label
  }

  /** Samples per second that `conceal` counts in. */
  get rate(): number {
    return this.#decoder.rate
  }

  /** false: the packet is damaged. */
  decode(payload: Uint8Array): boolean {
    const pcm = this.#decoder.decode(payload)
    if (pcm !== undefined) this.#take(pcm)
    return pcm !== undefined
  }

  conceal(seconds: number): void {
    this.#take(this.#decoder.conceal(Math.round(seconds * this.#decoder.rate)))
  }

  /** What does not fill a packet yet is left out: what comes next does not follow it. */
  cut(): void {
    this.#filled = 0
  }

  #take(pcm: Int16Array): void {
    const mixed = withChannels(pcm, this.#decoder.channels, this.#encoder.channels)
    const samples = this.#resampler?.push(mixed) ?? mixed
    const block = this.#block
    if (this.#filled === 0 && samples.length === block.length) {
      this.#emit(this.#encoder.encode(samples))
      return
    }
    for (let at = 0; at < samples.length; ) {
      const count = Math.min(block.length - this.#filled, samples.length - at)
      block.set(samples.subarray(at, at + count), this.#filled)
      this.#filled += count
      at += count
      if (this.#filled === block.length) this.#flush(block)
    }
  }

  #flush(block: Int16Array): void {
    this.#filled = 0
    this.#emit(this.#encoder.encode(block))
  }
}

/** undefined: this pair is not made here. `opus`: present where either end needs it. */
export const createChain = (
  from: CodecParameters,
  to: Accept,
  opus: Opus | undefined,
  emit: (data: Uint8Array) => void,
): Chain | undefined => {
  const encoder = createEncoder(from, to, opus)
  const decoder = encoder && createDecoder(from, encoder, opus)
  return decoder && new Chain(decoder, encoder!, emit)
}

/** What readers of the derived track are told of it. */
export const madeParams = (
  from: CodecParameters,
  { codec, channels = 1, sampleRate }: Accept,
): CodecParameters => {
  if (codec === 'opus') {
    const isStereo = channels === 2 && 'channels' in from && from.channels === 2
    return isStereo ? createOpusParams(2, 'stereo=1;sprop-stereo=1') : createOpusParams(1)
  }
  if (codec === 'l16') return createPcmParams(codec, channels, sampleRate)
  return createPcmParams(codec === 'pcmu' || codec === 'pcma' ? codec : 'g722')
}
