/**
 * VP8 and VP9 in Enhanced RTMP: a frame is one unit, and key frames say more than the configuration record.
 */
import type { PictureSize, VpxParameters } from '../types.ts'
import { createVp8Params, readVp8Header } from '../vp8/header.ts'
import { createVp9Params, readVp9Header } from '../vp9/header.ts'
import { withPicture } from '../vpx/parameters.ts'
import type { VideoPayload } from './video-payload.ts'

interface VpxHeader {
  readonly key: boolean
  readonly profile: number
  readonly size: PictureSize | undefined
}

const createVpxPayload = (
  initial: VpxParameters,
  readHeader: (frame: Uint8Array) => VpxHeader | undefined,
): VideoPayload => {
  let params: VpxParameters | undefined
  let key = false
  return {
    get params() {
      return params
    },
    configure() {},
    read(body, start, end) {
      const unit = body.subarray(start, end)
      const header = readHeader(unit)
      if (header === undefined) return undefined
      key = header.key
      if (header.key) params = withPicture(params ?? initial, header.profile, header.size)
      return [unit]
    },
    isKey: () => key,
    markReordered() {},
  }
}

export const createVp8Payload = (): VideoPayload => createVpxPayload(createVp8Params(), readVp8Header)
export const createVp9Payload = (): VideoPayload => createVpxPayload(createVp9Params(), readVp9Header)
