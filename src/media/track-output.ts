/** What a track of a source in frames says to the outside. It outlives a change of codec. */
import type { CodecParameters, Frame } from './types.ts'

export interface TrackEvents {
  onTrack(id: string, params: CodecParameters): void
  onParams(id: string, params: CodecParameters): void
  onFrame(id: string, frame: Frame): void
}

export interface TrackOutput {
  readonly announced: boolean
  /** Says the parameters when they are new: the first time as a track. */
  params(params: CodecParameters): void
  frame(frame: Frame): void
}

export const createTrackOutput = (id: string, events: TrackEvents): TrackOutput => {
  let announced: CodecParameters | undefined
  return {
    get announced() {
      return announced !== undefined
    },
    params(params) {
      if (params === announced) return
      const first = announced === undefined
      announced = params
      if (first) events.onTrack(id, params)
      else events.onParams(id, params)
    },
    frame(frame) {
      events.onFrame(id, frame)
    },
  }
}
