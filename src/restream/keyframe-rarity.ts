/** Does a source that cannot be asked make its key frames too rarely? */
import type { TrackInfo } from '../core/types.ts'
import type { PictureSize } from '../media/types.ts'

/** Key frames that are a little late now and then are no reason to encode a stream anew. */
const patience = 1.25

const sizeOf = ({ params }: TrackInfo): PictureSize | undefined =>
  'size' in params ? params.size : undefined

export class KeyframeRarity {
  readonly #limitMs: number
  readonly #onFound: (() => void) | undefined
  #found = false
  #over = false

  /** `wantedMs` undefined: they are never too rare. `onFound`: told once, when it shows while media goes out. */
  constructor(wantedMs: number | undefined, onFound?: () => void) {
    this.#limitMs = wantedMs === undefined ? Number.POSITIVE_INFINITY : wantedMs * patience
    this.#onFound = onFound
  }

  /** The distance of key frames that go out now. */
  measured(keyframeMs: number | undefined): void {
    if (this.#found || this.#over || keyframeMs === undefined || keyframeMs <= this.#limitMs) return
    this.#found = true
    this.#onFound?.()
  }

  /** The size in which the picture is to be encoded; undefined: it suits as it is, or nothing can be done. */
  encode(tracks: readonly TrackInfo[]): PictureSize | undefined {
    const track = tracks.find(({ kind, derivedFrom }) => kind === 'video' && derivedFrom === undefined)
    if (track === undefined || track.keyframeOnRequest || this.#over) return undefined
    if ((track.stats?.keyframeIntervalMs ?? 0) > this.#limitMs) this.#found = true
    return this.#found ? sizeOf(track) : undefined
  }

  /** Nobody encodes it. */
  giveUp(): void {
    this.#over = true
  }
}
