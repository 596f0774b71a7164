import { isH264Reference } from './h264/units.ts'
import { isH265Reference } from './h265/units.ts'
import type { Frame } from './types.ts'

export type BFrameVerdict = 'pass' | 'drop' | 'illegal'

/** Takes the frames of one track in decode order and leaves out B-frames where that harms nobody. */
export interface BFrameFilter {
  /**
   * 'pass': hand it on. 'drop': it would be shown before a frame that has passed, and no frame refers to it.
   * 'illegal': it would be shown before a frame that has passed, but others refer to it (B-pyramid): leaving
   * it out would damage the picture, so the subscriber must be refused ('b-frame-reference').
   */
  push(frame: Frame): BFrameVerdict
}

const isReference = (frame: Frame): boolean => {
  if (frame.params.codec === 'h264') return isH264Reference(frame)
  return frame.params.codec !== 'h265' || isH265Reference(frame)
}

/**
 * What passes has strictly rising pts within a coded sequence. A key frame always passes: nothing after it is
 * shown before it in a closed GOP, and one behind in time means that the source's time line began anew.
 */
export const createBFrameFilter = (): BFrameFilter => {
  let shown = Number.NEGATIVE_INFINITY
  return {
    push: frame => {
      if (frame.pts <= shown && !frame.key) return isReference(frame) ? 'illegal' : 'drop'
      shown = frame.pts
      return 'pass'
    },
  }
}
