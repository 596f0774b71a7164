/** H.264 and H.265: a PES packet is a picture, as a byte stream with start codes (annex B). */
import { createH264Params, H264ParameterSets } from '../h264/parameters.ts'
import { h264NalType, isH264FrameUnit, isH264Key, NAL } from '../h264/units.ts'
import { createH265Params, H265ParameterSets } from '../h265/parameters.ts'
import { HEVC_NAL, h265NalType, isH265FrameUnit, isH265Key } from '../h265/units.ts'
import { splitAnnexB } from '../nal.ts'
import type { TrackOutput } from '../track-output.ts'
import type { H264Parameters, H265Parameters } from '../types.ts'
import type { Pes } from './pes-reader.ts'
import type { TsStream } from './stream.ts'
import { compositionOf, type TrackTime } from './track-time.ts'

interface NalCodec {
  createSets(): H264ParameterSets | H265ParameterSets
  isFrameUnit(unit: Uint8Array): boolean
  isDelimiter(unit: Uint8Array): boolean
  isKey(units: readonly Uint8Array[]): boolean
}
const CODECS: Readonly<Record<'h264' | 'h265', NalCodec>> = {
  h264: {
    createSets: () => new H264ParameterSets(createH264Params([], [])),
    isFrameUnit: isH264FrameUnit,
    isDelimiter: unit => h264NalType(unit) === NAL.delimiter,
    isKey: isH264Key,
  },
  h265: {
    createSets: () => new H265ParameterSets(createH265Params([], [], [])),
    isFrameUnit: isH265FrameUnit,
    isDelimiter: unit => h265NalType(unit) === HEVC_NAL.delimiter,
    isKey: isH265Key,
  },
}

/** Between the pictures of one PES packet, while the distance of two packets is not known: 25 per second. */
const USUAL_PICTURE_TICKS = 3600
const MAX_PICTURE_TICKS = 90_000

/** One picture begins at each delimiter (H.222.0 2.14.1 wants them); without any, all units are of one. */
const splitPictures = (
  units: readonly Uint8Array[],
  isDelimiter: NalCodec['isDelimiter'],
): readonly (readonly Uint8Array[])[] => {
  const starts = units.flatMap((unit, i) => (i > 0 && isDelimiter(unit) ? [i] : []))
  if (starts.length === 0) return [units]
  return [0, ...starts].map((start, i) => units.slice(start, starts[i] ?? units.length))
}

export class VideoStream implements TsStream {
  readonly #codec: NalCodec
  readonly #time: TrackTime
  readonly #output: TrackOutput
  readonly #sets: H264ParameterSets | H265ParameterSets
  #params: H264Parameters | H265Parameters
  #lastDts = Number.NEGATIVE_INFINITY
  #highestPts = Number.NEGATIVE_INFINITY
  #pictureTicks = USUAL_PICTURE_TICKS
  #lastPesDts: number | undefined
  #lastPesPictures = 1
  #interrupted = false

  constructor(codec: 'h264' | 'h265', time: TrackTime, output: TrackOutput) {
    this.#codec = CODECS[codec]
    this.#time = time
    this.#output = output
    this.#sets = this.#codec.createSets()
    this.#params = this.#sets.params
  }

  push(pes: Pes): string | undefined {
    const { data, arrival } = pes
    if (pes.pts === undefined || pes.dts === undefined) return this.#lost('picture without a time')
    const composition = compositionOf(pes.pts, pes.dts)
    if (composition === undefined) return this.#lost('picture that is shown before it is decoded')
    const dts = this.#time.place(pes.dts, arrival)
    const pictures = splitPictures(splitAnnexB(data), this.#codec.isDelimiter)
    this.#measure(dts, pictures.length)
    let cause: string | undefined
    for (const [i, units] of pictures.entries())
      cause = this.#picture(units, dts + i * this.#pictureTicks, composition, arrival) ?? cause
    return cause
  }

  interrupt(): void {
    this.#interrupted = true
  }

  /** How far pictures are apart, for those that share one time. */
  #measure(dts: number, pictures: number): void {
    const ticks = this.#lastPesDts === undefined ? 0 : (dts - this.#lastPesDts) / this.#lastPesPictures
    if (ticks > 0 && ticks < MAX_PICTURE_TICKS) this.#pictureTicks = Math.round(ticks)
    this.#lastPesDts = dts
    this.#lastPesPictures = pictures
  }

  #picture(
    all: readonly Uint8Array[],
    placed: number,
    composition: number,
    arrival: number,
  ): string | undefined {
    for (const unit of all) this.#sets.add(unit)
    if (this.#sets.update()) this.#refresh(this.#params.reordered === true)
    const units = all.filter(this.#codec.isFrameUnit)
    if (units.length === 0) return all.length === 0 ? this.#lost('picture without a start code') : undefined
    const dts = Math.max(placed, this.#lastDts)
    const pts = dts + composition
    this.#noteOrder(pts, composition)
    if (this.#params.sps === undefined) return this.#lost('picture before the first parameter sets')
    const params = this.#params
    this.#output.params(params)
    this.#lastDts = dts
    const key = this.#codec.isKey(units)
    this.#output.frame({
      units,
      pts,
      dts,
      duration: 0,
      key,
      params,
      discontinuity: this.#interrupted,
      arrival,
    })
    this.#interrupted = false
    return undefined
  }

  /** An SPS that excludes reordering is believed until a picture does go back. */
  #noteOrder(pts: number, composition: number): void {
    const { reordered } = this.#params
    if (reordered !== true && (pts < this.#highestPts || (composition !== 0 && reordered === undefined)))
      this.#refresh(true)
    if (pts > this.#highestPts) this.#highestPts = pts
  }

  #refresh(reordered: boolean): void {
    this.#params = reordered ? { ...this.#sets.params, reordered } : this.#sets.params
  }

  #lost(cause: string): string {
    this.#interrupted = true
    return cause
  }
}
