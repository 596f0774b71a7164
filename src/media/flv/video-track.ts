/** One video track of an FLV source: packets in, parameters and frames out. */

import type { TrackTimeline } from '../timeline.ts'
import type { TrackOutput } from '../track-output.ts'
import type { Frame } from '../types.ts'
import { configure, type FlvPacket, type FlvTrack } from './packet.ts'
import type { VideoPayload } from './video-payload.ts'

const TICKS_PER_MS = 90

export const createVideoTrack = (
  payload: VideoPayload,
  timeline: TrackTimeline,
  output: TrackOutput,
): FlvTrack => {
  let lastDts = Number.NEGATIVE_INFINITY
  let highestPts = Number.NEGATIVE_INFINITY
  let interrupted = false

  /**
   * Whether pictures are reordered decides what a reader can show: without a word in the SPS the first frame
   * tells.
   */
  const announceIfCertain = (): void => {
    const params = payload.params
    if (params === undefined) return
    if (!output.announced && 'reordered' in params && params.reordered === undefined) return
    output.params(params)
  }

  /**
   * An SPS that excludes reordering is believed until a picture does go back: some encoders write a constant
   * offset.
   */
  const noteOrder = (pts: number, compositionMs: number): void => {
    const params = payload.params
    const excluded = params !== undefined && 'reordered' in params && params.reordered === false
    if (pts < highestPts || (compositionMs !== 0 && !excluded)) payload.markReordered()
    if (pts > highestPts) highestPts = pts
  }

  const pushFrame = (
    packet: FlvPacket,
    body: Uint8Array,
    ms: number,
    arrival: number,
  ): string | undefined => {
    const units = payload.read(body, packet.start, packet.end)
    if (units === undefined) return lost('damaged video frame')
    if (units.length === 0) return undefined
    const dts = Math.max(Math.round((ms + packet.offsetNs / 1e6) * TICKS_PER_MS), lastDts)
    const pts = dts + packet.compositionMs * TICKS_PER_MS
    noteOrder(pts, packet.compositionMs)
    const params = payload.params
    if (params === undefined) return `${packet.codec} frame before its sequence header`
    output.params(params)
    lastDts = dts
    const key = packet.key || payload.isKey(units)
    const frame: Frame = { units, pts, dts, duration: 0, key, params, discontinuity: interrupted, arrival }
    interrupted = false
    output.frame(frame)
    return undefined
  }

  const lost = (cause: string): string => {
    interrupted = true
    return cause
  }

  return {
    push(packet, body, timestampMs, arrivalUs) {
      if (packet.role === 'config') {
        const cause = configure(payload, packet, body)
        if (cause === undefined) announceIfCertain()
        return cause
      }
      if (packet.role !== 'frame') return undefined
      return pushFrame(packet, body, timeline.place(timestampMs, arrivalUs), arrivalUs)
    },
    interrupt() {
      interrupted = true
    },
  }
}
