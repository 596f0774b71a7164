/** Frames of one track as messages, built once however many readers there are. */
import type { Track } from '../core/types.ts'
import type { FlvTagType } from '../media/flv/types.ts'
import { writeFrame, writeSequenceHeader } from '../media/flv/writer.ts'
import type { CodecParameters, Frame } from '../media/types.ts'
import type { FlvMessage } from './types.ts'

/** Fan-out is synchronous: all readers ask for one frame before the next comes, so one entry is enough for it. */
export interface FrameSerialiser {
  /** The message of a frame: the same object for every reader that asks in the same turn. */
  message(frame: Frame): FlvMessage
  /** The sequence header in force for the frame, at its time; undefined when the codec has none. */
  config(frame: Frame): FlvMessage | undefined
}

/** Milliseconds of stream time. Never before the stream's beginning: FLV has no negative times. */
const streamMs = (track: Track, ts: number): number =>
  Math.max(0, Math.round(track.clock.toStreamTime(ts) / 1000))

const createSerialiser = (track: Track, number: number): FrameSerialiser => {
  const type: FlvTagType = track.kind === 'video' ? 9 : 8
  const ticksPerMs = track.clock.rate / 1000
  let frameOf: Frame | undefined
  let message: FlvMessage | undefined
  let configOf: Frame | undefined
  let config: FlvMessage | undefined
  let params: CodecParameters | undefined
  let record: Uint8Array | undefined
  let lastDts = Number.NEGATIVE_INFINITY
  let lastMs = 0
  const past = new WeakMap<Frame, FlvMessage>()

  /**
   * A clock that is being corrected may step back by a millisecond; frames replayed from a cache keep their
   * time.
   */
  const timeOf = (frame: Frame): number => {
    const ms = streamMs(track, frame.dts)
    if (frame.dts < lastDts) return ms
    lastDts = frame.dts
    lastMs = Math.max(ms, lastMs)
    return lastMs
  }

  const build = (frame: Frame, recurs: boolean): FlvMessage => {
    const timestampMs = timeOf(frame)
    const body = writeFrame(frame, number, Math.round((frame.pts - frame.dts) / ticksPerMs))
    return { type, timestampMs, body, role: 'frame', key: frame.key, recurs }
  }

  /** Of the last group of pictures, which every reader that joins is handed. */
  const recall = (frame: Frame): FlvMessage => {
    const known = past.get(frame)
    if (known !== undefined) return known
    const built = build(frame, true)
    past.set(frame, built)
    return built
  }

  const buildConfig = (frame: Frame): FlvMessage | undefined => {
    if (params !== frame.params) {
      params = frame.params
      record = writeSequenceHeader(frame.params, number)
    }
    return (
      record && {
        type,
        timestampMs: timeOf(frame),
        body: record,
        role: 'config',
        key: frame.key,
        recurs: true,
      }
    )
  }

  return {
    message(frame) {
      if (frame === frameOf && message !== undefined) return message
      if (frame.dts < lastDts) return recall(frame)
      message = build(frame, false)
      frameOf = frame
      return message
    },
    config(frame) {
      if (frame !== configOf) {
        config = buildConfig(frame)
        configOf = frame
      }
      return config
    },
  }
}

const serialisers = new WeakMap<Track, FrameSerialiser[]>()

/**
 * The serialiser that all readers of `track` share. `number` is 0 for the first track of its kind, else the
 * multitrack id.
 */
export const serialiserOf = (track: Track, number: number): FrameSerialiser => {
  let ofTrack = serialisers.get(track)
  if (ofTrack === undefined) {
    ofTrack = []
    serialisers.set(track, ofTrack)
  }
  ofTrack[number] ??= createSerialiser(track, number)
  return ofTrack[number]
}
