/** One audio track of an FLV source: packets in, parameters and frames out. */
import type { CodecParameters, Frame } from '../types.ts'
import type { AudioPayload } from './audio-payload.ts'
import { configure, type FlvPacket, type FlvTrack } from './packet.ts'
import { createSampleClock, type SampleClock } from './sample-clock.ts'
import type { TrackTimeline } from './timeline.ts'
import type { FlvReaderEvents } from './types.ts'

export const createAudioTrack = (
  id: string,
  payload: AudioPayload,
  timeline: TrackTimeline,
  events: FlvReaderEvents,
): FlvTrack => {
  let announced: CodecParameters | undefined
  let clock: SampleClock | undefined
  let interrupted = false

  const announce = (params: CodecParameters): void => {
    if (params === announced) return
    const first = announced === undefined
    announced = params
    if (first) events.onTrack(id, params)
    else events.onParams(id, params)
  }

  /** A track keeps its clock rate for life: a packet of another rate has no place on its time line. */
  const changedRate = (params: CodecParameters): string | undefined =>
    announced === undefined || announced.clockRate === params.clockRate
      ? undefined
      : `${id} changed from ${announced.clockRate} to ${params.clockRate} Hz`

  const announceIfFitting = (): string | undefined => {
    const params = payload.params
    if (params === undefined) return undefined
    const refusal = changedRate(params)
    if (refusal === undefined) announce(params)
    return refusal
  }

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
    const refusal = announceIfFitting()
    if (refusal !== undefined) return refusal
    clock ??= createSampleClock(params.clockRate)
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
    events.onFrame(id, frame)
    return undefined
  }

  const lost = (cause: string): string => {
    interrupted = true
    return cause
  }

  return {
    push(packet, body, timestampMs, arrivalUs) {
      if (packet.role === 'config') {
        return configure(payload, packet, body) ?? announceIfFitting()
      }
      if (packet.role !== 'frame') return undefined
      return pushFrame(packet, body, timeline.place(timestampMs, arrivalUs), arrivalUs)
    },
    interrupt() {
      interrupted = true
    },
    get announced() {
      return announced !== undefined
    },
  }
}
