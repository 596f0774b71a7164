import type { CodecParameters } from '../../media/types.ts'

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0

/** Would a decoder see no difference between the two audio formats? */
export const sameAudio = (a: CodecParameters, b: CodecParameters): boolean => {
  if (a === b) return true
  if (a.codec !== b.codec || a.clockRate !== b.clockRate) return false
  if (a.codec === 'aac' && b.codec === 'aac' && !sameBytes(a.config, b.config)) return false
  return 'channels' in a && 'channels' in b && a.channels === b.channels
}
