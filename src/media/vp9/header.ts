import { BitReader } from '../bits.ts'
import type { PictureSize, VpxParameters } from '../types.ts'

export interface Vp9Header {
  readonly key: boolean
  readonly profile: number
  /** false: decoded but not displayed. */
  readonly shown: boolean
  /** Only a key frame says it here. */
  readonly size: PictureSize | undefined
}

const SYNC_CODE = 0x498342
const SRGB = 7

const skipColor = (reader: BitReader, profile: number): void => {
  if (profile >= 2) reader.skip(1)
  if (reader.bits(3) === SRGB) {
    if (profile === 1 || profile === 3) reader.skip(1)
    return
  }
  reader.skip(1)
  if (profile === 1 || profile === 3) reader.skip(3)
}

/** The uncompressed header, VP9 bitstream specification section 6.2. undefined: cut short or not VP9. */
export const readVp9Header = (frame: Uint8Array): Vp9Header | undefined => {
  const reader = new BitReader(frame, 0, Math.min(frame.length, 24))
  if (reader.bits(2) !== 2) return undefined
  const profile = reader.bit() + 2 * reader.bit()
  if (profile === 3) reader.skip(1)
  const showExisting = reader.flag()
  if (showExisting) return reader.overrun ? undefined : { key: false, profile, shown: true, size: undefined }
  const key = !reader.flag()
  const shown = reader.flag()
  reader.skip(1)
  if (!key) return reader.overrun ? undefined : { key, profile, shown, size: undefined }
  const sync = reader.bits(24)
  skipColor(reader, profile)
  const size = { width: reader.bits(16) + 1, height: reader.bits(16) + 1 }
  return reader.overrun || sync !== SYNC_CODE ? undefined : { key, profile, shown, size }
}

export const createVp9Params = (size?: PictureSize, profile = 0): VpxParameters => ({
  codec: 'vp9',
  kind: 'video',
  clockRate: 90_000,
  profile,
  size,
})
