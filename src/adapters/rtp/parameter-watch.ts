/** Learns what a description left out: parameter sets, picture size, B-frames, from key frames alone. */
import { createDepacketiser } from '../../media/rtp/depacketise.ts'
import type { Depacketiser } from '../../media/rtp/types.ts'
import type { CodecParameters, RtpPacket } from '../../media/types.ts'

/** More is a jump of the source's time line, not reordering. */
const MAX_REORDER_S = 2

const DISORDER_US = 20_000

/** Nothing can be negotiated or decoded without these. */
export const isComplete = (params: CodecParameters): boolean => {
  if (params.codec === 'h264' || params.codec === 'h265') return params.sps !== undefined
  return params.codec !== 'av1' || params.sequenceHeader !== undefined
}

/** Packets of pictures go by; those of key frames are read. What is asked anew is a new object only after a change. */
export class ParameterWatch {
  readonly #onParams: (params: CodecParameters) => void
  readonly #keyFrames: Depacketiser
  #params: CodecParameters
  #newest: RtpPacket | undefined

  constructor(params: CodecParameters, onParams: (params: CodecParameters) => void) {
    this.#params = params
    this.#onParams = onParams
    this.#keyFrames = createDepacketiser(
      params,
      { onFrame: () => {}, onParams: read => this.#read(read), onLoss: () => {} },
      // All between two key frames is missing here: it is waited for no longer than packets out of order.
      { windowUs: DISORDER_US },
    )
  }

  push(packet: RtpPacket): void {
    if (packet.key) this.#keyFrames.push(packet, packet.arrival)
    else this.#keyFrames.poll(packet.arrival)
    const newest = this.#newest
    if (newest !== undefined && packet.seq <= newest.seq) return
    if (newest !== undefined && packet.ts < newest.ts && !packet.key) this.#reordered(newest.ts - packet.ts)
    this.#newest = packet
  }

  /** What was seen outlives parameter sets that do not say. */
  #read(params: CodecParameters): void {
    const known = this.#params
    const seen = 'reordered' in known && known.reordered === true
    this.#tell(
      seen && 'reordered' in params && params.reordered === undefined
        ? { ...params, reordered: true }
        : params,
    )
  }

  #reordered(ticks: number): void {
    const params = this.#params
    if ((params.codec !== 'h264' && params.codec !== 'h265') || params.reordered !== undefined) return
    if (ticks < MAX_REORDER_S * params.clockRate) this.#tell({ ...params, reordered: true })
  }

  #tell(params: CodecParameters): void {
    this.#params = params
    this.#onParams(params)
  }
}
