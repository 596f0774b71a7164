/** Sound for gaps in what is passed on undecoded: only a gap costs a decoder. */
import { decodeG711, encodeG711, lawOf } from '../../media/g711/law.ts'
import { G722Decoder } from '../../media/g722/decoder.ts'
import { G722Encoder } from '../../media/g722/encoder.ts'
import { readOpusDuration } from '../../media/opus/toc.ts'
import { decodeL16, encodeL16 } from '../../media/pcm/l16.ts'
import { Concealer } from '../../media/voice/concealer.ts'
import type { PacedFormat } from './paced-types.ts'

export interface GapFiller {
  /** This was passed on; it must not change any more. */
  heard(payload: Uint8Array): void
  /** So many ticks in place of what has not come: the voice fades, then there is the noise of the room. */
  fill(ticks: number): Uint8Array
  /** The first packet after a gap, joined to what was made up. */
  mend(payload: Uint8Array): Uint8Array
  /** Sound of our own, in the codec of the format; undefined: it cannot be made here. */
  encode?(pcm: Int16Array): Uint8Array
  /** Samples per second that `encode` takes. */
  readonly rate: number
}

/** As many packets as hold what a voice's period is found in. */
const REMEMBERED = 3
const G722_RATE = 16_000

interface Codec {
  readonly rate: number
  readonly decode: (payload: Uint8Array) => Int16Array
  readonly encode: (pcm: Int16Array) => Uint8Array
  /** Each sample by itself: a packet can be coded anew without its neighbours. */
  readonly isPlain: boolean
}

const codecOf = ({ codec, clockRate }: PacedFormat): Codec => {
  if (codec === 'g722') {
    const [decoder, encoder] = [new G722Decoder(), new G722Encoder()]
    const decode = (payload: Uint8Array): Int16Array => decoder.decode(payload)
    return { rate: G722_RATE, decode, encode: pcm => encoder.encode(pcm), isPlain: false }
  }
  if (codec === 'l16') return { rate: clockRate, decode: decodeL16, encode: encodeL16, isPlain: true }
  const law = lawOf(codec === 'pcma' ? 'pcma' : 'pcmu')
  const decode = (payload: Uint8Array): Int16Array => decodeG711(law, payload)
  return { rate: clockRate, decode, encode: pcm => encodeG711(law, pcm), isPlain: true }
}

class PcmFiller implements GapFiller {
  readonly rate: number
  readonly #format: PacedFormat
  /** In a ring. */
  #recent: Uint8Array[] = []
  #oldest = 0
  /** Present in a gap. */
  #gap: { readonly codec: Codec; readonly concealer: Concealer } | undefined
  #own: Codec | undefined

  constructor(format: PacedFormat) {
    this.#format = format
    this.rate = codecOf(format).rate
  }

  heard(payload: Uint8Array): void {
    this.#recent[this.#oldest] = payload
    this.#oldest = (this.#oldest + 1) % REMEMBERED
  }

  fill(ticks: number): Uint8Array {
    const { channels, clockRate } = this.#format
    const gap = this.#gap ?? this.#begin()
    this.#gap = gap
    const samples = Math.round((ticks * this.rate) / clockRate)
    // More than one channel is no telephone: there it is silence.
    return gap.codec.encode(
      channels === 1 ? gap.concealer.conceal(samples) : new Int16Array(samples * channels),
    )
  }

  mend(payload: Uint8Array): Uint8Array {
    const gap = this.#gap
    this.#gap = undefined
    if (gap === undefined || !gap.codec.isPlain || this.#format.channels !== 1) return payload
    const pcm = gap.codec.decode(payload)
    gap.concealer.heard(pcm)
    return gap.codec.encode(pcm)
  }

  encode(pcm: Int16Array): Uint8Array {
    this.#own ??= codecOf(this.#format)
    return this.#own.encode(pcm)
  }

  /** Codecs with a memory are brought to where the far side's decoder is, as far as the last packets tell. */
  #begin(): { readonly codec: Codec; readonly concealer: Concealer } {
    const codec = codecOf(this.#format)
    const concealer = new Concealer(codec.rate)
    for (const payload of [...this.#recent.slice(this.#oldest), ...this.#recent.slice(0, this.#oldest)]) {
      const pcm = codec.decode(payload)
      concealer.heard(pcm)
      if (!codec.isPlain) codec.encode(pcm)
    }
    this.#recent = []
    this.#oldest = 0
    return { codec, concealer }
  }
}

/** 20 ms of silence in CELT, full band, mono (RFC 6716 section 3.1). */
const OPUS_SILENCE = Uint8Array.of(0xf8, 0xff, 0xfe)
/** 10 ms. */
const SHORTEST_TICKS = 480
const NOTHING = new Uint8Array(0)

/** A packet of nothing but its table of contents tells the far side's decoder to conceal (RFC 6716 section 4.4). */
class OpusFiller implements GapFiller {
  readonly rate = 48_000
  #contents = OPUS_SILENCE

  heard(payload: Uint8Array): void {
    if (payload.length > 0) this.#contents = Uint8Array.of(payload[0]! & 0xfc)
  }
  /** Empty: so little cannot be filled. */
  fill(ticks: number): Uint8Array {
    if (ticks < SHORTEST_TICKS) return NOTHING
    return readOpusDuration(this.#contents)! <= ticks ? this.#contents : OPUS_SILENCE
  }
  mend(payload: Uint8Array): Uint8Array {
    return payload
  }
}

export const createGapFiller = (format: PacedFormat): GapFiller =>
  format.codec === 'opus' ? new OpusFiller() : new PcmFiller(format)
