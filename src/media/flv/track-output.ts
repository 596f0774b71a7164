/** What a reader's track says to the outside. It outlives a change of codec. */
import type { CodecParameters, Frame } from '../types.ts'
import type { FlvReaderEvents } from './types.ts'

export interface TrackOutput {
  readonly announced: boolean
  /** Says the parameters when they are new: the first time as a track. */
  params(params: CodecParameters): void
  frame(frame: Frame): void
}

export const createTrackOutput = (id: string, events: FlvReaderEvents): TrackOutput => {
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
