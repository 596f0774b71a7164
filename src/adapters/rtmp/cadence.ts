import type { Clock, OpenTrack, Track } from '../../core/types.ts'
import type { FlvMessage } from '../../flv-session/types.ts'
import { MESSAGE } from './message.ts'

/** Half of the sounds of a stream at 25 or 30 pictures a second find the next one this near. */
const NEAR_US = 25_000
/** The share of the newest distance in the mean of all. */
const SHARE = 1 / 8

/** When pictures of one stream come: what its sound may wait for. All readers of the stream share it. */
export class Cadence {
  readonly #clock: Clock
  #message: FlvMessage | undefined
  #mayWait = false
  #lastUs: number | undefined
  #distanceUs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Sound may where a picture is due within 25 ms. Readers ask one after the other for the same message. */
  mayWait(message: FlvMessage): boolean {
    // What recurs is old: it tells nothing of when the next picture comes, and who joins waits for nothing.
    if (message.role !== 'frame' || message.recurs) return false
    if (message !== this.#message) this.#note(message)
    return this.#mayWait
  }

  #note(message: FlvMessage): void {
    const nowUs = this.#clock.now()
    this.#message = message
    this.#mayWait = message.type === MESSAGE.audio && this.#isNear(nowUs)
    if (message.type === MESSAGE.video) this.#notePicture(nowUs)
  }

  #notePicture(nowUs: number): void {
    if (this.#lastUs !== undefined) {
      const distance = nowUs - this.#lastUs
      this.#distanceUs += this.#distanceUs === 0 ? distance : (distance - this.#distanceUs) * SHARE
    }
    this.#lastUs = nowUs
  }

  /** One that is overdue may still come; one that is long overdue is waited for no more. */
  #isNear(nowUs: number): boolean {
    if (this.#lastUs === undefined || this.#distanceUs === 0) return false
    return Math.abs(this.#lastUs + this.#distanceUs - nowUs) < NEAR_US
  }
}

const cadences = new WeakMap<Track, Cadence>()

/** Of the stream that has these tracks; undefined where no picture is among them. */
export const cadenceOf = (tracks: readonly OpenTrack[], clock: Clock): Cadence | undefined => {
  const picture = tracks.find(({ track }) => track.kind === 'video')?.track
  if (picture === undefined) return undefined
  const known = cadences.get(picture)
  if (known !== undefined) return known
  const cadence = new Cadence(clock)
  cadences.set(picture, cadence)
  return cadence
}
