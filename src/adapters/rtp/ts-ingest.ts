/** A transport stream into a publication: its tracks come with their parameters, all on one time line. */
import type { Clock, LinkStats, Publication } from '../../core/types.ts'
import { createIngestTrack, type IngestTrack, type Origin } from '../../flv-session/ingest-track.ts'
import { createReadiness, READY_DEADLINE_US, type Readiness } from '../../flv-session/readiness.ts'
import { TsDemuxer } from '../../media/ts/demuxer.ts'
import type { Logger } from '../adapter.ts'

export interface TsIngestOptions {
  readonly publication: Publication
  readonly clock: Clock
  readonly log: Logger
  /** For people: where it comes from. */
  readonly label: string
  /** program_number; undefined: the first. */
  readonly program: number | undefined
  /** All tracks of the program are there, or were waited for long enough. */
  readonly onReady: () => void
}

export class TsIngest {
  readonly #options: TsIngestOptions
  readonly #demuxer: TsDemuxer
  readonly #readiness: Readiness
  readonly #tracks = new Map<string, IngestTrack>()
  readonly #origin: Origin = { wall: undefined }
  readonly #said = new Set<string>()
  isReady = false

  constructor(options: TsIngestOptions) {
    const { publication, clock, program, onReady } = options
    this.#options = options
    this.#readiness = createReadiness(clock, {
      onReady: missing => {
        this.isReady = true
        if (missing.length > 0)
          this.#note(`no ${missing.join(' and no ')} after ${READY_DEADLINE_US / 1e6} s, it goes on without`)
        onReady()
      },
    })
    this.#demuxer = new TsDemuxer(
      {
        onProgram: kinds => this.#readiness.announce(kinds),
        onTrack: (id, params) => {
          this.#tracks.set(id, createIngestTrack(publication, id, params, this.#origin, clock))
          this.#readiness.known(params.kind)
        },
        onParams: (id, params) => {
          if (this.#tracks.get(id)?.setParams(params) === false)
            this.#note(`${id} changes its format too often, it is dropped`)
        },
        onFrame: (id, frame) => {
          const track = this.#tracks.get(id)!
          track.write(frame)
          this.#readiness.elapsed(track.elapsedUs)
        },
        onDamage: cause => this.#note(cause),
      },
      { program },
    )
  }

  /** Transport packets, and those that did not come. */
  get link(): LinkStats {
    const { packets, lost } = this.#demuxer
    return { packets, lost }
  }

  /** Transport packets in bytes[start, end), which are not kept. */
  push(bytes: Uint8Array, start: number, end: number, arrival: number): void {
    this.#readiness.media()
    this.#demuxer.push(bytes, start, end, arrival)
  }

  /** The last pictures go out, and the damage is told in numbers. */
  end(): void {
    const { log, label, publication } = this.#options
    this.#readiness.cancel()
    if (!publication.signal.aborted) this.#demuxer.end()
    const { damage, lost } = this.#demuxer
    if (Object.keys(damage).length > 0)
      log.info({ from: label, damage, lost }, `${label}: dropped or mended in all`)
  }

  /** Each thing is said once. */
  #note(note: string): void {
    if (this.#said.has(note)) return
    this.#said.add(note)
    const { log, label } = this.#options
    log.warn({ from: label, stream: this.#options.publication.stream }, `${label}: ${note}`)
  }
}
