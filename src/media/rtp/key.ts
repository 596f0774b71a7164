import { isHeadAv1Payload, isKeyAv1Payload } from '../av1/payload.ts'
import { isHeadH264Payload, isKeyH264Payload } from '../h264/payload.ts'
import { isHeadH265Payload, isKeyH265Payload } from '../h265/payload.ts'
import type { CodecId } from '../types.ts'
import { isHeadVp8Payload, isKeyVp8Payload } from '../vp8/payload.ts'
import { isHeadVp9Payload, isKeyVp9Payload } from '../vp9/payload.ts'

/**
 * Does the payload `bytes[start, end)` show that it is part of a key frame? Later packets of a VP8, VP9 or AV1 key
 * frame do not show it; `readRtpPacket` marks them because they continue one. Audio and data can always be
 * started with.
 */
export const isKeyPayload = (codec: CodecId, bytes: Uint8Array, start: number, end: number): boolean => {
  switch (codec) {
    case 'h264':
      return isKeyH264Payload(bytes, start, end)
    case 'h265':
      return isKeyH265Payload(bytes, start, end)
    case 'vp8':
      return isKeyVp8Payload(bytes, start, end)
    case 'vp9':
      return isKeyVp9Payload(bytes, start, end)
    case 'av1':
      return isKeyAv1Payload(bytes, start, end)
    default:
      return true
  }
}

/** Does the payload itself prove that it begins a frame? false means "cannot tell", not "no". */
export const isHeadPayload = (codec: CodecId, bytes: Uint8Array, start: number, end: number): boolean => {
  switch (codec) {
    case 'h264':
      return isHeadH264Payload(bytes, start, end)
    case 'h265':
      return isHeadH265Payload(bytes, start, end)
    case 'vp8':
      return isHeadVp8Payload(bytes, start, end)
    case 'vp9':
      return isHeadVp9Payload(bytes, start, end)
    case 'av1':
      return isHeadAv1Payload(bytes, start, end)
    default:
      return true
  }
}
