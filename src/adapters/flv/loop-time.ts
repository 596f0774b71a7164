/** Passes over one file as one continuous time. */
import type { FlvTag } from '../../media/flv/types.ts'

export interface LoopTime {
  /** The tag at its time on the continuous line. */
  place(tag: FlvTag): FlvTag
  /** The file begins again; its next tag follows the last one. */
  rewind(): void
}

interface End {
  last: number
  step: number
}

export const createLoopTime = (): LoopTime => {
  let shift: number | undefined = 0
  const ends = new Map<number, End>()

  /** Where the longest track ends: its last tag is taken to last as long as the one before. */
  const end = (): number => Math.max(...[...ends.values()].map(({ last, step }) => last + step))

  const note = (type: number, ms: number): void => {
    const track = ends.get(type)
    if (track === undefined) ends.set(type, { last: ms, step: 0 })
    else if (ms > track.last) {
      track.step = ms - track.last
      track.last = ms
    }
  }

  return {
    place(tag) {
      shift ??= ends.size === 0 ? 0 : end() - tag.timestampMs
      const timestampMs = tag.timestampMs + shift
      if (tag.type !== 18) note(tag.type, timestampMs)
      return shift === 0 ? tag : { ...tag, timestampMs: timestampMs >>> 0 }
    },
    rewind() {
      shift = undefined
    },
  }
}
