/**
 * What ffmpeg is told of single frames, though its pipes carry nothing but times: they are given four times as fine as
 * the source's, and the two lowest bits, which no source uses, are read by expressions in ffmpeg.
 */
const STEPS = 4
const FORCE = 1
const SKIP = 2

/** Ticks per second, for a source of `rate`. */
export const markedRate = (rate: number): number => rate * STEPS

export interface Marks {
  /** Encode it as a key frame. */
  readonly force: boolean
  /** Decode it, for those that refer to it, but do not encode it. */
  readonly skip: boolean
}

export const markTime = (pts: number, { force, skip }: Marks): number =>
  pts * STEPS + (force ? FORCE : 0) + (skip ? SKIP : 0)

/** The source's time of a marked one. */
export const unmarkTime = (at: number): number => Math.floor(Math.round(at) / STEPS)

/** A marked time with its marks taken off. */
export const withoutMarks = (at: number): number => unmarkTime(at) * STEPS

const bits = (rate: number): string => `mod(round(t*${markedRate(rate)}),${STEPS})`

/** For the filter `select`: frames without the mark to be skipped. */
export const selectExpression = (rate: number): string => `lt(${bits(rate)},${SKIP})`

/** For `-force_key_frames`: marked frames, and one whenever `everyS` seconds have passed since the last. */
export const forceExpression = (rate: number, everyS: number): string =>
  `isnan(prev_forced_t)+gte(t-prev_forced_t,${everyS})+eq(mod(${bits(rate)},${SKIP}),${FORCE})`
