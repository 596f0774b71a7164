import type { TrackOutput } from '../track-output.ts'
import { AacSplitter, type AudioSplitter, Mp3Splitter, OpusSplitter } from './audio-splitters.ts'
import { AudioStream } from './audio-stream.ts'
import { PesReader } from './pes-reader.ts'
import type { TsStream } from './stream.ts'
import { kindOfStream, type TsCodec } from './stream-types.ts'
import type { TrackTime } from './track-time.ts'
import { VideoStream } from './video-stream.ts'

/** A key picture of 2160p has 2 MB. */
const MAX_PICTURE_BYTES = 8 << 20
/** The length field has 16 bits, and only pictures may leave it empty. */
const MAX_SOUND_BYTES = 6 + 0xffff

const splitterFor = (codec: Exclude<TsCodec, 'h264' | 'h265'>): AudioSplitter => {
  switch (codec) {
    case 'aac':
      return new AacSplitter()
    case 'mpeg-audio':
      return new Mp3Splitter()
    case 'opus mono':
      return new OpusSplitter(1)
    case 'opus stereo':
      return new OpusSplitter(2)
  }
}

export interface ElementaryOptions {
  readonly pid: number
  readonly codec: TsCodec
  /** Of the track. */
  readonly id: string
  readonly time: TrackTime
  readonly output: TrackOutput
  onDamage(cause: string): void
}

/** One picture or sound stream of a program, from the payloads of its PID to frames. */
export class ElementaryStream {
  readonly pid: number
  readonly codec: TsCodec
  readonly id: string
  readonly #pes: PesReader
  readonly #stream: TsStream

  constructor({ pid, codec, id, time, output, onDamage }: ElementaryOptions) {
    this.pid = pid
    this.codec = codec
    this.id = id
    this.#stream =
      codec === 'h264' || codec === 'h265'
        ? new VideoStream(codec, time, output)
        : new AudioStream(splitterFor(codec), time, output)
    this.#pes = new PesReader(kindOfStream(codec) === 'video' ? MAX_PICTURE_BYTES : MAX_SOUND_BYTES, {
      onPes: pes => {
        const cause = this.#stream.push(pes)
        if (cause !== undefined) onDamage(cause)
      },
      onLost: cause => {
        this.#stream.interrupt()
        onDamage(cause)
      },
    })
  }

  push(packet: Uint8Array, start: number, end: number, unitStart: boolean, arrival: number): void {
    this.#pes.push(packet, start, end, unitStart, arrival)
  }

  /** A packet of the PID was lost. */
  interrupt(): void {
    this.#pes.interrupt()
    this.#stream.interrupt()
  }

  /** Nothing comes any more: what is whole goes out. */
  end(): void {
    this.#pes.flush()
  }
}
