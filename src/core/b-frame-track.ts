/** A track without its B-frames: those that no other frame refers to are left out. */
import { toGatewayError } from '../errors.ts'
import type { CodecParameters, Frame } from '../media/types.ts'
import { describeParams } from './describe.ts'
import type { TrackContext, TrackNode } from './track.ts'

export const withoutReordering = (params: CodecParameters): CodecParameters =>
  'reordered' in params ? { ...params, reordered: false } : params

/** Pictures turn out to refer to B-frames: the source track says so from now on, and plans are made anew. */
const tellDeeper = (source: TrackNode): void => {
  const { params } = source
  if (params.codec === 'h264')
    source.setParams({ ...params, maxReorder: Math.max(2, params.maxReorder ?? 0) })
}

/** Fills `track` from `source` for as long as `track` is open. */
export const filterBFrames = (source: TrackNode, track: TrackNode, context: TrackContext): void => {
  const filter = context.converters.bFrameFilter()
  let dropped = 0
  track.damageOf = () => ({ 'b-frame': dropped })
  const push = (frame: Frame): void => {
    const verdict = filter.push(frame)
    if (verdict === 'pass') track.write(frame)
    else if (verdict === 'drop') dropped++
    else giveUp()
  }
  const giveUp = (): void => {
    const detail = `${describeParams(source.params)}: other frames refer to its B-frames, so none can be left out`
    void track.close({ code: 'failed', detail })
    tellDeeper(source)
  }
  track.scope.defer(source.onParams(params => track.setParams(withoutReordering(params))))
  const frames = source.frames()
  const failed = (error: unknown): void => void track.close({ code: 'failed', error: toGatewayError(error) })
  track.scope.defer(frames.attach({ write: push, failed }))
  for (const frame of frames.cache?.units() ?? []) push(frame)
}
