/** Subscribed tracks as the messages of one FLV or RTMP reader. */
import type { Accept, EgressSink, OpenTrack, Sink, Track } from '../core/types.ts'
import { equalBytes } from '../media/bytes.ts'
import { fourCcNameOf } from '../media/flv/codecs.ts'
import { writeMetadata } from '../media/flv/metadata.ts'
import type { CodecParameters, Frame, Kind } from '../media/types.ts'
import { type FrameSerialiser, serialiserOf } from './serialiser.ts'
import type { AcceptsFlv, FlvMessage, FlvMessageSink, FlvOutput } from './types.ts'

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

/** The messages of all tracks of one reader, on their way to it. */
class Output implements FlvOutput {
  readonly #sink: FlvMessageSink
  readonly #opened = new Map<string, Track>()
  #announced = false

  constructor(sink: FlvMessageSink) {
    this.#sink = sink
  }

  open(tracks: readonly OpenTrack[]): readonly EgressSink[] {
    this.#announced = false
    const numbers = { audio: 0, video: 0, data: 0 }
    return tracks.map(({ track }) => this.#openTrack(track, numbers[track.kind]++))
  }

  write(message: FlvMessage): void {
    if (!this.#announced) this.#announce()
    this.#sink.write(message)
  }

  #openTrack(track: Track, number: number): EgressSink {
    const key = `${track.kind} ${number}`
    this.#opened.set(key, track)
    const sink = new TrackWriter(this, track, number)
    const retarget = (open: OpenTrack): void => {
      this.#opened.set(key, open.track)
      sink.follow(open.track)
    }
    return { form: 'frame', sink, retarget }
  }

  /** At time 0 always: ffmpeg takes script data at any other time for a track of texts. */
  #announce(): void {
    this.#announced = true
    const params = [...this.#opened.values()].map((track): CodecParameters => track.params)
    this.#sink.write({
      type: 18,
      timestampMs: 0,
      body: writeMetadata(params),
      role: 'metadata',
      key: false,
      recurs: false,
    })
  }
}

class TrackWriter implements Sink<Frame> {
  readonly #output: Output
  readonly #number: number
  #serialiser: FrameSerialiser
  #params: CodecParameters | undefined
  #record: Uint8Array | undefined

  constructor(output: Output, track: Track, number: number) {
    this.#output = output
    this.#number = number
    this.#serialiser = serialiserOf(track, number)
  }

  write(frame: Frame): void {
    if (frame.params !== this.#params) this.#writeConfig(frame)
    this.#output.write(this.#serialiser.message(frame))
  }

  /** The next frame comes from this track. */
  follow(track: Track): void {
    this.#serialiser = serialiserOf(track, this.#number)
  }

  /** Until the key frame that uses them, pictures belong to the parameters before. */
  #writeConfig(frame: Frame): void {
    if (this.#record !== undefined && !frame.key) return
    this.#params = frame.params
    const config = this.#serialiser.config(frame)
    if (config === undefined || equalBytes(config.body, this.#record)) return
    this.#record = config.body
    this.#output.write(config)
  }
}

/**
 * One reader. onMetaData comes first and again when tracks are opened later; a sequence header before a
 * track's first frame and before the key frame that changes its content, once per change.
 */
export const createFlvOutput = (sink: FlvMessageSink): FlvOutput => new Output(sink)
