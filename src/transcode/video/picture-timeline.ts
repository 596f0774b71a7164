import type { OutputTimeline } from '../types.ts'

/** Pictures keep their own times; one whose time has passed is left out. */
export const createPictureTimeline = (): OutputTimeline => {
  let last = Number.NEGATIVE_INFINITY
  return {
    place(pts) {
      if (pts <= last) return undefined
      last = pts
      return { pts, discontinuity: false }
    },
    reset() {
      last = Number.NEGATIVE_INFINITY
    },
  }
}
