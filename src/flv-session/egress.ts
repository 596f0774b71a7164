/** Subscribed tracks as the messages of one FLV or RTMP reader. */
import type { Accept, EgressSink, OpenTrack, Track } from '../core/types.ts'
import { equalBytes } from '../media/bytes.ts'
import { fourCcNameOf } from '../media/flv/codecs.ts'
import { writeMetadata } from '../media/flv/metadata.ts'
import type { CodecParameters, Frame, Kind } from '../media/types.ts'
import { serialiserOf } from './serialiser.ts'
import type { AcceptsFlv, FlvMessageSink, FlvOutput } from './types.ts'

const frames = (kind: Kind, codec: Accept['codec'], more: Partial<Accept> = {}): Accept => ({
  kind,
  codec,
  form: 'frame',
  ...more,
})

/** What the header of FLV 10.1 can say. G.711 has no sample rate there: it is 8 kHz. */
const legacy: readonly Accept[] = [
  frames('video', 'h264'),
  frames('audio', 'aac'),
  frames('audio', 'mp3'),
  frames('audio', 'pcma', { sampleRate: 8000 }),
  frames('audio', 'pcmu', { sampleRate: 8000 }),
]
const enhanced: readonly Accept[] = [
  frames('video', 'h265'),
  frames('video', 'av1'),
  frames('video', 'vp9'),
  frames('video', 'vp8'),
  frames('audio', 'opus'),
]

/** Few players show these in FLV, and those that do may not say so. */
export const unsureFourCcs: readonly string[] = ['av01', 'vp09', 'vp08']

const isNamed = (list: readonly string[], { codec }: Accept): boolean =>
  list.includes('*') || list.includes(fourCcNameOf(codec)!)

/** What a reader takes: the legacy codecs first, then those whose FourCC it knows, last what it may know. */
export const acceptsFlv: AcceptsFlv = (_tracks, { fourCcs, unsure = [] }) => [
  ...legacy,
  ...enhanced.filter(accept => isNamed(fourCcs, accept)),
  ...enhanced
    .filter(accept => isNamed(unsure, accept) && !isNamed(fourCcs, accept))
    .map(accept => ({ ...accept, doubtful: true })),
]

interface Writer {
  write(frame: Frame): void
  /** The next frame comes from this track. */
  follow(track: Track): void
}

/**
 * One reader. onMetaData comes first and again when tracks are opened later; a sequence header before a
 * track's first frame and before the key frame that changes its content, once per change.
 */
export const createFlvOutput = (sink: FlvMessageSink): FlvOutput => {
  const opened = new Map<string, Track>()
  let announced = false

  /** At time 0 always: ffmpeg takes script data at any other time for a track of texts. */
  const announce = (): void => {
    announced = true
    const params = [...opened.values()].map((track): CodecParameters => track.params)
    sink({ type: 18, timestampMs: 0, body: writeMetadata(params), role: 'metadata', key: false })
  }

  const createWriter = (first: Track, number: number): Writer => {
    let serialiser = serialiserOf(first, number)
    let params: CodecParameters | undefined
    let record: Uint8Array | undefined

    /** Until the key frame that uses them, pictures belong to the parameters before. */
    const writeConfig = (frame: Frame): void => {
      if (record !== undefined && !frame.key) return
      params = frame.params
      const config = serialiser.config(frame)
      if (config === undefined || equalBytes(config.body, record)) return
      record = config.body
      sink(config)
    }

    return {
      write(frame) {
        if (!announced) announce()
        if (frame.params !== params) writeConfig(frame)
        sink(serialiser.message(frame))
      },
      follow(track) {
        serialiser = serialiserOf(track, number)
      },
    }
  }

  const openTrack = (track: Track, number: number): EgressSink => {
    const key = `${track.kind} ${number}`
    opened.set(key, track)
    const sink = createWriter(track, number)
    const retarget = (open: OpenTrack): void => {
      opened.set(key, open.track)
      sink.follow(open.track)
    }
    return { form: 'frame', sink, retarget }
  }

  return {
    open(tracks) {
      announced = false
      const numbers = { audio: 0, video: 0, data: 0 }
      return tracks.map(({ track }) => openTrack(track, numbers[track.kind]++))
    },
  }
}
