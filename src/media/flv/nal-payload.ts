/**
 * H.264 and HEVC in FLV: NAL units behind lengths, parameter sets in the sequence header and, with some
 * encoders, in-band.
 */
import { splitLengthPrefixed } from '../nal.ts'
import type { H264Parameters, H265Parameters } from '../types.ts'
import type { VideoPayload } from './video-payload.ts'

/** As `H264ParameterSets`. */
interface ParameterSets<P> {
  readonly params: P
  add(nal: Uint8Array): void
  update(): boolean
}
export interface NalCodec<P extends H264Parameters | H265Parameters> {
  /** Throws GatewayError 'malformed'. */
  parse(record: Uint8Array): { readonly lengthSize: number; readonly params: P }
  createSets(params: P): ParameterSets<P>
  readonly unknown: P
  isFrameUnit(unit: Uint8Array): boolean
  isKey(units: readonly Uint8Array[]): boolean
  /** Same parameter sets. */
  equal(a: P, b: P): boolean
}

export const createNalPayload = <P extends H264Parameters | H265Parameters>(
  codec: NalCodec<P>,
): VideoPayload => {
  let sets = codec.createSets(codec.unknown)
  let params = codec.unknown
  let reordered = false
  // Four is what every encoder writes; it holds for streams that bring their parameter sets in-band only.
  let lengthSize = 4

  const refresh = (): void => {
    params = reordered ? { ...sets.params, reordered: true } : sets.params
  }

  return {
    get params() {
      return params.sps === undefined ? undefined : params
    },
    configure(record) {
      const configuration = codec.parse(record)
      lengthSize = configuration.lengthSize
      if (codec.equal(configuration.params, sets.params)) return
      sets = codec.createSets(configuration.params)
      reordered = false
      refresh()
    },
    read(body, start, end) {
      const units = splitLengthPrefixed(body, lengthSize, start, end)
      if (units === undefined || units.every(codec.isFrameUnit)) return units
      for (const unit of units) sets.add(unit)
      if (sets.update()) refresh()
      return units.filter(codec.isFrameUnit)
    },
    isKey: codec.isKey,
    markReordered() {
      if (params.reordered === true) return
      reordered = true
      refresh()
    },
  }
}
