import { equalBytes, equalLists } from '../media/bytes.ts'
import type { CodecParameters } from '../media/types.ts'

const sameSets = (a: CodecParameters, b: CodecParameters): boolean => {
  if (a.codec === 'aac' && b.codec === 'aac') return equalBytes(a.config, b.config)
  if (a.codec === 'h264' && b.codec === 'h264') return equalBytes(a.sps, b.sps) && equalLists(a.pps, b.pps)
  return true
}
const channels = (params: CodecParameters): number => ('channels' in params ? params.channels : 0)
const width = (params: CodecParameters): number => ('size' in params ? (params.size?.width ?? 0) : 0)
const height = (params: CodecParameters): number => ('size' in params ? (params.size?.height ?? 0) : 0)

/** Would a decoder see no difference between the two formats? */
export const sameParams = (a: CodecParameters, b: CodecParameters): boolean =>
  a === b ||
  (a.codec === b.codec &&
    a.clockRate === b.clockRate &&
    channels(a) === channels(b) &&
    width(a) === width(b) &&
    height(a) === height(b) &&
    sameSets(a, b))
