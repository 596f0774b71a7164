/**
 * AV1 in Enhanced RTMP: OBUs in low-overhead form, the sequence header in the record and again before key
 * frames.
 */
import { isAv1FrameUnit, isAv1Key, OBU, obuType, splitObus } from '../av1/obu.ts'
import { createAv1Params, parseAv1C } from '../av1/parameters.ts'
import { equalBytes } from '../bytes.ts'
import type { Av1Parameters } from '../types.ts'
import type { VideoPayload } from './video-payload.ts'

export const createAv1Payload = (): VideoPayload => {
  let params: Av1Parameters | undefined

  const adopt = (next: Av1Parameters): void => {
    if (next.sequenceHeader === undefined) return
    if (params === undefined || !equalBytes(params.sequenceHeader, next.sequenceHeader)) params = next
  }

  return {
    get params() {
      return params
    },
    configure(record) {
      adopt(parseAv1C(record))
    },
    read(body, start, end) {
      const units = splitObus(body, start, end)
      const header = units?.find(unit => obuType(unit) === OBU.sequenceHeader)
      if (header !== undefined) adopt(createAv1Params(header))
      return units?.filter(isAv1FrameUnit)
    },
    isKey: isAv1Key,
    markReordered() {},
  }
}
