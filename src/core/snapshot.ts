/** Live objects as plain data, for the API. */
import type { TrackNode } from './track.ts'
import type { TrackInfo } from './types.ts'

/** A track as it is now; nothing in it changes any more. */
export const snapshot = (track: TrackNode): TrackInfo => {
  const { id, kind, native, params, keyframeOnRequest, stats, derivedFrom, rtp } = track
  return {
    id,
    kind,
    native,
    params,
    keyframeOnRequest,
    stats,
    ...(derivedFrom !== undefined && { derivedFrom }),
    ...(rtp !== undefined && { rtp }),
  }
}
