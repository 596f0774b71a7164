/** Asks a source for a key frame whenever one is due. */

/** From the request to the picture: the way there and back, and the next picture. */
const leadUs = 400_000

export interface KeyframePace {
  /** A picture at `us` of stream time. */
  picture(us: number, key: boolean): void
}

/** `request` is called for each picture until a key frame comes: whoever asks the source knows when that is too often. */
export const createKeyframePace = (intervalMs: number, request: () => void): KeyframePace => {
  const dueUs = intervalMs * 1000 - leadUs
  let lastUs: number | undefined
  return {
    picture(us, key) {
      if (key) lastUs = us
      else if (lastUs !== undefined && us - lastUs >= dueUs) request()
    },
  }
}
