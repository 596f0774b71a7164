/** One track of an FLV publisher: its writer, anchored to the origin that all its tracks share. */
import type { Clock, Publication, TrackWriter } from '../core/types.ts'
import type { CodecParameters, Frame } from '../media/types.ts'

/** Each change of format renegotiates every reader: a source that goes on changing is not followed. */
const MAX_FORMAT_CHANGES = 16

/** Wall time, in microseconds, at which the source's time line is 0; set by the first frame of any track. */
export interface Origin {
  wall: number | undefined
}
export interface IngestTrack {
  readonly writer: TrackWriter<'frame'>
  /** false: the format changes too often, the track is given up. */
  setParams(params: CodecParameters): boolean
  /** false: a lossless reader is behind. */
  write(frame: Frame): boolean
  /** Microseconds of media since the first frame. */
  readonly elapsedUs: number
}

const formatOf = (params: CodecParameters): string =>
  'channels' in params ? `${params.codec} ${params.clockRate} ${params.channels}` : params.codec

export const createIngestTrack = (
  publication: Publication,
  id: string,
  first: CodecParameters,
  origin: Origin,
  time: Clock,
): IngestTrack => {
  const writer = publication.addTrack({ id, native: 'frame', params: first })
  let format = formatOf(first)
  let changes = 0
  let anchored = false
  let firstDts: number | undefined
  let elapsedUs = 0

  const anchor = (ts: number, rate: number): void => {
    anchored = true
    const sinceOrigin = (ts * 1e6) / rate
    origin.wall ??= time.wall() - sinceOrigin
    writer.clock.anchor({ ts, wall: origin.wall + sinceOrigin, from: 'arrival' })
  }

  return {
    writer,
    setParams(params) {
      if (changes > MAX_FORMAT_CHANGES) return false
      if (formatOf(params) !== format) {
        format = formatOf(params)
        changes += 1
        anchored = false
        firstDts = undefined
      }
      writer.setParams(params)
      return changes <= MAX_FORMAT_CHANGES
    },
    write(frame) {
      if (changes > MAX_FORMAT_CHANGES) return true
      const rate = frame.params.clockRate
      if (!anchored) anchor(frame.dts, rate)
      firstDts ??= frame.dts
      elapsedUs = ((frame.dts - firstDts) * 1e6) / rate
      return writer.write(frame)
    },
    get elapsedUs() {
      return elapsedUs
    },
  }
}
