/** Payload by codec. */
import { equalBytes, equalLists } from '../bytes.ts'
import { parseAvcC } from '../h264/avcc.ts'
import { createH264Params, H264ParameterSets } from '../h264/parameters.ts'
import { isH264FrameUnit, isH264Key } from '../h264/units.ts'
import { parseHvcC } from '../h265/hvcc.ts'
import { createH265Params, H265ParameterSets } from '../h265/parameters.ts'
import { isH265FrameUnit, isH265Key } from '../h265/units.ts'
import type { H264Parameters, H265Parameters } from '../types.ts'
import {
  type AudioPayload,
  createAacPayload,
  createG711Payload,
  createMp3Payload,
  createOpusPayload,
} from './audio-payload.ts'
import { createAv1Payload } from './av1-payload.ts'
import { createNalPayload, type NalCodec } from './nal-payload.ts'
import type { FlvCodec } from './packet.ts'
import type { VideoPayload } from './video-payload.ts'
import { createVp8Payload, createVp9Payload } from './vpx-payload.ts'

const h264: NalCodec<H264Parameters> = {
  parse(record) {
    const { lengthSize, sps, pps } = parseAvcC(record)
    return { lengthSize, params: createH264Params(sps, pps) }
  },
  createSets: params => new H264ParameterSets(params),
  unknown: createH264Params([], []),
  isFrameUnit: isH264FrameUnit,
  isKey: isH264Key,
  equal: (a, b) => equalBytes(a.sps, b.sps) && equalLists(a.pps, b.pps),
}

const h265: NalCodec<H265Parameters> = {
  parse(record) {
    const { lengthSize, vps, sps, pps } = parseHvcC(record)
    return { lengthSize, params: createH265Params(vps, sps, pps) }
  },
  createSets: params => new H265ParameterSets(params),
  unknown: createH265Params([], [], []),
  isFrameUnit: isH265FrameUnit,
  isKey: isH265Key,
  equal: (a, b) => equalBytes(a.vps, b.vps) && equalBytes(a.sps, b.sps) && equalLists(a.pps, b.pps),
}

/** undefined: not a video codec. */
export const createVideoPayload = (codec: FlvCodec): VideoPayload | undefined => {
  switch (codec) {
    case 'avc1':
      return createNalPayload(h264)
    case 'hvc1':
      return createNalPayload(h265)
    case 'av01':
      return createAv1Payload()
    case 'vp08':
      return createVp8Payload()
    case 'vp09':
      return createVp9Payload()
    default:
      return undefined
  }
}

/** undefined: not an audio codec. */
export const createAudioPayload = (codec: FlvCodec): AudioPayload | undefined => {
  switch (codec) {
    case 'mp4a':
      return createAacPayload()
    case '.mp3':
      return createMp3Payload()
    case 'Opus':
      return createOpusPayload()
    case 'alaw':
      return createG711Payload('pcma')
    case 'ulaw':
      return createG711Payload('pcmu')
    default:
      return undefined
  }
}
