import type { NutStream } from '../media/nut/types.ts'
import type { CodecParameters } from '../media/types.ts'

/** What one run of ffmpeg is to do: how it is told of the source, and what the packets mean that it makes. */
export interface Recipe {
  readonly kind: 'audio' | 'video'
  readonly source: NutStream
  readonly arguments: readonly string[]
  /** How long an encoded packet lasts, in ticks of the source's time base; 0 for pictures: one in, one out. */
  readonly packetTicks: number
  /** Bytes that may wait in ffmpeg's pipe. */
  readonly maxQueuedBytes: number
  /** The time that all others of a run are counted from, given that of its first packet. */
  originOf(at: number): number
  /** Ticks of the target; `at` in ticks of the source's time base. */
  ptsOf(at: number): number
  /** Ticks of the target; 0 when unknown. */
  durationOf(data: Uint8Array): number
  unitsOf(data: Uint8Array): readonly Uint8Array[]
  /** Parameters of what ffmpeg says it makes. @throws GatewayError 'malformed' when its codec data cannot be read. */
  paramsOf(stream: NutStream): CodecParameters
}
