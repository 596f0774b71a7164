/**
 * Tag bodies. H.264, AAC, MP3 and G.711 in the legacy form that everybody reads; everything else, and each
 * track after the first of its kind, in that of Enhanced RTMP v2.
 */
import { sizedObusBytes, writeObus } from '../av1/obu.ts'
import { lengthPrefixedSize, writeLengthPrefixed } from '../nal.ts'
import type { CodecParameters, Frame } from '../types.ts'
import { MAX_HEADER_BYTES, putAudioHeader, putConfigHeader, putVideoHeader } from './body-header.ts'
import { buildRecord } from './record.ts'

const header = new Uint8Array(MAX_HEADER_BYTES)

const startBody = (headerBytes: number, payloadBytes: number): Uint8Array => {
  const body = new Uint8Array(headerBytes + payloadBytes)
  for (let i = 0; i < headerBytes; i += 1) body[i] = header[i]!
  return body
}

/**
 * Body of the sequence header. `track` is 0 for the first of its kind, else the multitrack id.
 * @returns undefined when the codec has none (MP3, G.711) or its parameters are not complete.
 * @throws GatewayError 'unsupported-codec' when FLV cannot carry the codec.
 */
export const writeSequenceHeader = (params: CodecParameters, track: number): Uint8Array | undefined => {
  const record = buildRecord(params)
  if (record === undefined) return undefined
  const size = putConfigHeader(header, params, track)
  const body = startBody(size, record.length)
  body.set(record, size)
  return body
}

/**
 * Body of one frame. `compositionMs` is presentation minus decode time.
 * @throws GatewayError 'unsupported-codec' when FLV cannot carry the codec.
 */
export const writeFrame = (frame: Frame, track: number, compositionMs: number): Uint8Array => {
  const { params, units } = frame
  if (params.codec === 'h264' || params.codec === 'h265') {
    const size = putVideoHeader(header, params, track, frame.key, compositionMs)
    const body = startBody(size, lengthPrefixedSize(units))
    writeLengthPrefixed(units, body, size)
    return body
  }
  if (params.codec === 'av1') {
    const size = putVideoHeader(header, params, track, frame.key, 0)
    const body = startBody(size, sizedObusBytes(units))
    writeObus(units, body, size)
    return body
  }
  // Everything else is one unit by contract.
  const unit = units[0]!
  const size =
    params.kind === 'video'
      ? putVideoHeader(header, params, track, frame.key, 0)
      : putAudioHeader(header, params, track)
  const body = startBody(size, unit.length)
  body.set(unit, size)
  return body
}
