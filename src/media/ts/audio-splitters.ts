/** How sound lies in PES packets: several frames each, and, but for Opus, across their borders. */
import { readAdtsHeader } from '../aac/adts.ts'
import { buildAudioSpecificConfig, createAacParams } from '../aac/config.ts'
import { createMp3Params, readMp3Header } from '../mp3/header.ts'
import { createOpusParams } from '../opus/parameters.ts'
import { readOpusDuration } from '../opus/toc.ts'
import type { AacParameters, CodecParameters, OpusParameters, PcmParameters } from '../types.ts'

/** One frame of sound found at a place. The splitter fills the same object each time. */
export interface AudioFrameFound {
  /** The coded frame lies between these. */
  start: number
  end: number
  /** Ticks of the codec's clock. */
  duration: number
}

export interface AudioSplitter {
  /** In force for the frame found last. A new object only after a change of content. */
  readonly params: CodecParameters | undefined
  /**
   * Looks for a frame at `at`. A number: where to look next, nothing was found; 'more': a frame begins that has not
   * come whole; 'found': `out` is filled.
   */
  find(bytes: Uint8Array, at: number, out: AudioFrameFound): 'found' | 'more' | number
  /** Why what was found cannot be used. */
  readonly refusal: string | undefined
}

const AAC_FRAME_SAMPLES = 1024

/** Two headers of one kind in a row are no coincidence; of the last frame that is there one is enough. */
const isFollowed = (bytes: Uint8Array, at: number, next: number): boolean =>
  next + 3 > bytes.length ||
  (bytes[next] === 0xff &&
    bytes[next + 1] === bytes[at + 1] &&
    ((bytes[next + 2]! ^ bytes[at + 2]!) & 0x0c) === 0)

/** A sync word, and 2 or 3 in the two bits of the layer. */
const isLowerLayer = (bytes: Uint8Array): boolean =>
  bytes[0] === 0xff && (bytes[1]! & 0xe4) === 0xe4 && (bytes[1]! & 0x18) !== 0x08

/** ADTS: each frame says its own length and parameters. */
export class AacSplitter implements AudioSplitter {
  params: AacParameters | undefined
  refusal: string | undefined
  #shape = ''

  find(bytes: Uint8Array, at: number, out: AudioFrameFound): 'found' | 'more' | number {
    if (at + 9 > bytes.length) return 'more'
    const header = readAdtsHeader(bytes, at)
    if (header === undefined) return at + 1
    const end = at + header.frameBytes
    if (end > bytes.length) return 'more'
    if (!isFollowed(bytes, at, end)) return at + 1
    this.#configure(header.sampleRate, header.channels, header.objectType)
    out.start = at + header.headerBytes
    out.end = end
    out.duration = AAC_FRAME_SAMPLES
    return 'found'
  }

  #configure(sampleRate: number, channels: number, objectType: number): void {
    const shape = `${sampleRate} ${channels} ${objectType}`
    if (shape === this.#shape) return
    this.#shape = shape
    this.params = undefined
    this.refusal = channels === 0 ? 'AAC that tells its channels in the sound is not supported' : undefined
    if (channels > 0)
      this.params = createAacParams(buildAudioSpecificConfig(sampleRate, channels, objectType))
  }
}

/** Layer III of MPEG-1 and 2; the header of each frame says its length. */
export class Mp3Splitter implements AudioSplitter {
  params: PcmParameters | undefined
  refusal: string | undefined

  find(bytes: Uint8Array, at: number, out: AudioFrameFound): 'found' | 'more' | number {
    if (at + 4 > bytes.length) return 'more'
    const header = readMp3Header(bytes, at)
    if (at === 0 && this.params === undefined && isLowerLayer(bytes)) {
      this.refusal = 'MPEG audio of layer I or II is not supported'
      return bytes.length
    }
    if (header === undefined || header.frameBytes === 0) return at + 1
    const end = at + header.frameBytes
    if (end > bytes.length) return 'more'
    if (!isFollowed(bytes, at, end)) return at + 1
    const { sampleRate, channels } = header
    if (this.params?.clockRate !== sampleRate || this.params.channels !== channels)
      this.params = createMp3Params(sampleRate, channels)
    this.refusal = undefined
    out.start = at
    out.end = end
    out.duration = header.samples
    return 'found'
  }
}

/** ETSI TS 103 491: each packet behind a control header with its size. */
export class OpusSplitter implements AudioSplitter {
  readonly params: OpusParameters
  readonly refusal = undefined

  constructor(channels: 1 | 2) {
    this.params = createOpusParams(channels)
  }

  find(bytes: Uint8Array, at: number, out: AudioFrameFound): 'found' | 'more' | number {
    if (at + 3 > bytes.length) return 'more'
    if (bytes[at] !== 0x7f || (bytes[at + 1]! & 0xe0) !== 0xe0) return at + 1
    const flags = bytes[at + 1]!
    let head = at + 2
    let size = 0
    for (let byte = 255; byte === 255; head += 1) {
      if (head >= bytes.length) return 'more'
      byte = bytes[head]!
      size += byte
    }
    if (flags & 0x10) head += 2 // start trim
    if (flags & 0x08) head += 2 // end trim
    if (flags & 0x04) head += 1 + (bytes[head] ?? 0) // control extension
    out.start = head
    out.end = head + size
    if (out.end > bytes.length) return 'more'
    const duration = readOpusDuration(bytes.subarray(head, out.end))
    if (duration === undefined) return at + 1
    out.duration = duration
    return 'found'
  }
}
