/** Audio time by counted samples: tag times are milliseconds, too coarse for 44.1 kHz and often jittery. */

/** Later than this the tag times win at once; earlier, the count waits for them at this distance. */
const MAX_DRIFT_MS = 100
/**
 * A gap in the sound is followed at once up to this distance: beyond, picture and sound are seen to be apart.
 */
const MAX_LAG_MS = 40
/** Jitter and rounding of the tag times; within it, the count stays exact. */
const DEAD_BAND_MS = 10
/** Share of the drift beyond the dead band that each packet makes good: slow enough not to be heard. */
const PULL = 1 / 64

export interface SampleClock {
  readonly rate: number
  /**
   * Ticks of a packet that the tags place at `ms` and that lasts `duration` ticks. Never less than the one
   * before.
   */
  stamp(ms: number, duration: number): number
}

export const createSampleClock = (rate: number): SampleClock => {
  const maxDrift = (MAX_DRIFT_MS * rate) / 1000
  const maxLag = (MAX_LAG_MS * rate) / 1000
  const deadBand = (DEAD_BAND_MS * rate) / 1000
  let next: number | undefined
  let last = Number.NEGATIVE_INFINITY

  const corrected = (expected: number, tagged: number): number => {
    const drift = tagged - expected
    if (drift > maxDrift) return tagged
    if (drift < -maxDrift) return tagged + maxDrift
    if (drift > maxLag) return tagged - maxLag
    if (Math.abs(drift) <= deadBand) return expected
    return expected + (drift - Math.sign(drift) * deadBand) * PULL
  }

  return {
    rate,
    stamp(ms, duration) {
      const tagged = (ms * rate) / 1000
      const exact = next === undefined ? tagged : corrected(next, tagged)
      last = Math.max(last, Math.round(exact))
      next = Math.max(exact, last - 0.5) + duration
      return last
    },
  }
}
