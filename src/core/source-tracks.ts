/** The tracks of the present publisher, and those of the one before that it may go on with. */
import type { SourceTrack } from './publication.ts'
import type { TrackNode } from './track.ts'
import type { CloseReason } from './types.ts'

export class SourceTracks {
  /** As of the last change. */
  hasPicture = false
  #present = new Map<string, SourceTrack>()
  #inherited = new Map<string, SourceTrack>()

  get size(): number {
    return this.#present.size
  }

  list(): TrackNode[] {
    return [...this.#present.values()].map(({ track }) => track)
  }

  /** The one of this id, whoever wrote it last. */
  of(id: string): SourceTrack | undefined {
    return this.#present.get(id) ?? this.#inherited.get(id)
  }

  /** A track of the publisher before. */
  heir(id: string): SourceTrack | undefined {
    return this.#inherited.get(id)
  }

  /** It is now the one of its id; another of that id ends. */
  adopt(source: SourceTrack): void {
    const { id } = source.track
    const before = this.#present.get(id)
    this.#present.set(id, source)
    if (this.#inherited.get(id) === source) this.#inherited.delete(id)
    this.hasPicture = this.list().some(({ kind }) => kind === 'video')
    if (before !== undefined)
      void before.track.close({ code: 'replaced', detail: `${id} changed its format` })
  }

  /** Another publisher comes: what there is is there to be gone on with. */
  bequeath(): void {
    for (const [id, source] of this.#present) {
      const before = this.#inherited.get(id)
      this.#inherited.set(id, source)
      if (before !== undefined) void before.track.close({ code: 'replaced', detail: `${id} is another now` })
    }
    this.#present = new Map()
  }

  /** What the present publisher has not gone on with by now ends. */
  disinherit(reason: CloseReason): void {
    for (const { track } of this.#inherited.values()) void track.close(reason)
    this.#inherited.clear()
  }

  /** Where the readers' time line ends, in wall time; undefined before any media. */
  endWall(): number | undefined {
    let end: number | undefined
    for (const { track, clock } of [...this.#present.values(), ...this.#inherited.values()]) {
      const { last } = track
      if (last === undefined) continue
      const wall = clock.toWall(last.ts + last.duration)
      if (wall !== undefined && (end === undefined || wall > end)) end = wall
    }
    return end
  }

  /** Monotonic microseconds when the present publisher's last unit came; undefined before the first. */
  lastArrivalUs(): number | undefined {
    let last: number | undefined
    for (const { track } of this.#present.values())
      if (track.last !== undefined) last = Math.max(last ?? 0, track.last.arrival)
    return last
  }
}
