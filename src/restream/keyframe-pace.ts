/** Asks a source for a key frame whenever one is due. */

/** From the request to the picture: the way there and back, and the next picture. */
const leadUs = 400_000

export interface KeyframePace {
  /** A picture at `us` of stream time. */
  picture(us: number, key: boolean): void
}

/** A request that brought nothing in so long is made again; the track repeats its own meanwhile. */
const againUs = 2_000_000

/** `request` is called once when a key frame is due. */
export const createKeyframePace = (intervalMs: number, request: () => void): KeyframePace => {
  const dueUs = intervalMs * 1000 - leadUs
  let nextUs = Number.POSITIVE_INFINITY
  return {
    picture(us, key) {
      if (key) nextUs = us + dueUs
      else if (us >= nextUs) {
        nextUs = us + againUs
        request()
      }
    },
  }
}
