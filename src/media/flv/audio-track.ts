/** One audio track of an FLV source: packets in, parameters and frames out. */

import { createSampleClock, type SampleClock } from '../sample-clock.ts'
import type { TrackTimeline } from '../timeline.ts'
import type { TrackOutput } from '../track-output.ts'
import type { Frame } from '../types.ts'
import type { AudioPayload } from './audio-payload.ts'
import { configure, type FlvPacket, type FlvTrack } from './packet.ts'

export const createAudioTrack = (
  payload: AudioPayload,
  timeline: TrackTimeline,
  output: TrackOutput,
): FlvTrack => {
  let clock: SampleClock | undefined
  let interrupted = false

  const pushFrame = (
    packet: FlvPacket,
    body: Uint8Array,
    ms: number,
    arrival: number,
  ): string | undefined => {
    const unit = body.subarray(packet.start, packet.end)
    if (unit.length === 0) return 'empty audio frame'
    const duration = payload.read(unit, packet)
    if (duration === undefined) return lost('damaged audio frame')
    const params = payload.params
    if (params === undefined) return `${packet.codec} frame before its sequence header`
    output.params(params)
    if (clock?.rate !== params.clockRate) clock = createSampleClock(params.clockRate)
    const pts = clock.stamp(ms + packet.offsetNs / 1e6, duration)
    const units = [unit]
    const frame: Frame = {
      units,
      pts,
      dts: pts,
      duration,
      key: true,
      params,
      discontinuity: interrupted,
      arrival,
    }
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
        if (payload.params !== undefined) output.params(payload.params)
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
