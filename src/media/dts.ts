/** Gives decode times to frames that come in decode order with presentation times only. */
export interface DtsEstimator {
  /** Decode time for the next frame in decode order; never decreases. */
  push(pts: number): number
}

/**
 * With at most `depth` frames of reordering, frame i may be decoded at the (i - depth)th smallest
 * presentation time: that one is known as soon as frame i has come. The first `depth` frames have no such
 * time and get steps of one tick before the first presentation time.
 */
export const createDtsEstimator = (depth: number, notBefore = Number.NEGATIVE_INFINITY): DtsEstimator => {
  const waiting: number[] = []
  let last = notBefore
  const insert = (pts: number): void => {
    let at = waiting.length
    while (at > 0 && waiting[at - 1]! > pts) at -= 1
    waiting.splice(at, 0, pts)
  }
  return {
    push: pts => {
      insert(pts)
      const dts = waiting.length > depth ? waiting.shift()! : waiting[0]! - depth + waiting.length - 1
      last = Math.max(last, dts)
      return last
    },
  }
}
