/** The period of a voice: where the sound of just now is most like itself. */

/** Highest and lowest voice, hertz: ITU-T G.711 Appendix I. */
const HIGHEST_HZ = 200
const LOWEST_HZ = 66
/** How much of the past is compared. */
const TEMPLATE_S = 0.02
/** The coarse search looks at this many samples a second. */
const COARSE_RATE = 4000

export const longestPeriod = (rate: number): number => Math.ceil(rate / LOWEST_HZ)
/** Samples of the past that `findPeriod` needs. */
export const pitchHistory = (rate: number): number => longestPeriod(rate) + Math.round(rate * TEMPLATE_S)

/** Likeness of the newest `length` samples to those `lag` before them, every `stride`-th compared; -1 to 1. */
const likeness = (past: Float32Array, lag: number, length: number, stride: number): number => {
  let product = 0
  let own = 0
  let other = 0
  for (let i = past.length - length; i < past.length; i += stride) {
    const [a, b] = [past[i]!, past[i - lag]!]
    product += a * b
    own += a * a
    other += b * b
  }
  return own === 0 || other === 0 ? 0 : product / Math.sqrt(own * other)
}

const best = (past: Float32Array, from: number, to: number, length: number, stride: number): number => {
  let found = from
  let most = Number.NEGATIVE_INFINITY
  for (let lag = from; lag <= to; lag += stride) {
    const like = likeness(past, lag, length, stride)
    if (like <= most) continue
    most = like
    found = lag
  }
  return found
}

/** Samples of one period at the end of `past`, which holds at least `pitchHistory` of them. */
export const findPeriod = (past: Float32Array, rate: number): number => {
  const [shortest, longest] = [Math.floor(rate / HIGHEST_HZ), longestPeriod(rate)]
  const length = Math.round(rate * TEMPLATE_S)
  const stride = Math.max(1, Math.floor(rate / COARSE_RATE))
  const coarse = best(past, shortest, longest, length, stride)
  const [from, to] = [Math.max(shortest, coarse - stride), Math.min(longest, coarse + stride)]
  return best(past, from, to, length, 1)
}
