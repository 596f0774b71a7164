import type { PictureSize, VpxParameters } from '../types.ts'

export interface Vp8Header {
  readonly key: boolean
  /** VP8 profile, called version in RFC 6386. */
  readonly profile: number
  /** false: decoded but not displayed. */
  readonly shown: boolean
  /** Only a key frame says it. */
  readonly size: PictureSize | undefined
}

/** The uncompressed data chunk, RFC 6386 section 9.1. undefined: cut short or without start code. */
export const readVp8Header = (frame: Uint8Array): Vp8Header | undefined => {
  if (frame.length < 3) return undefined
  const key = (frame[0]! & 1) === 0
  const profile = (frame[0]! >> 1) & 7
  const shown = (frame[0]! & 0x10) !== 0
  if (!key) return { key, profile, shown, size: undefined }
  if (frame.length < 10 || frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) return undefined
  const width = (frame[6]! | (frame[7]! << 8)) & 0x3fff
  const height = (frame[8]! | (frame[9]! << 8)) & 0x3fff
  return { key, profile, shown, size: { width, height } }
}

export const createVp8Params = (size?: PictureSize, profile = 0): VpxParameters => ({
  codec: 'vp8',
  kind: 'video',
  clockRate: 90_000,
  profile,
  size,
})
