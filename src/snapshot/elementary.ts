/** One key frame as a file that ffmpeg reads from a pipe. */
import { concatBytes } from '../media/bytes.ts'
import type { CodecParameters, Frame } from '../media/types.ts'
import { toBitstream } from '../transcode/video/bitstream.ts'

const fourCcs: Readonly<Record<string, string>> = { vp8: 'VP80', vp9: 'VP90', av1: 'AV01' }
const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 12
/** An AV1 temporal unit begins with a delimiter (AV1 specification, section 5.6). */
const TEMPORAL_DELIMITER = Uint8Array.of(0x12, 0)

/** IVF: a header, then each frame behind its length. */
const ivf = (params: CodecParameters, data: Uint8Array): Uint8Array => {
  const { width = 0, height = 0 } = ('size' in params && params.size) || {}
  const out = new Uint8Array(HEADER_BYTES + FRAME_HEADER_BYTES + data.length)
  const view = new DataView(out.buffer)
  new TextEncoder().encodeInto('DKIF', out)
  view.setUint16(6, HEADER_BYTES, true)
  new TextEncoder().encodeInto(fourCcs[params.codec] ?? '', out.subarray(8))
  view.setUint16(12, width, true)
  view.setUint16(14, height, true)
  view.setUint32(16, 30, true)
  view.setUint32(20, 1, true)
  view.setUint32(24, 1, true)
  view.setUint32(HEADER_BYTES, data.length, true)
  out.set(data, HEADER_BYTES + FRAME_HEADER_BYTES)
  return out
}

export interface Elementary {
  /** ffmpeg's name of the format. */
  readonly format: 'h264' | 'hevc' | 'ivf'
  readonly bytes: Uint8Array
}

export const elementaryOf = (frame: Frame): Elementary => {
  const { params } = frame
  const data = toBitstream(frame, true)
  if (params.codec === 'h264') return { format: 'h264', bytes: data }
  if (params.codec === 'h265') return { format: 'hevc', bytes: data }
  const whole = params.codec === 'av1' ? concatBytes([TEMPORAL_DELIMITER, data]) : data
  return { format: 'ivf', bytes: ivf(params, whole) }
}
