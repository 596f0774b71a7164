/** The one door to time. */
import type { Clock } from './types.ts'

/** Longest delay that setTimeout keeps (2^31 - 1 ms); a longer one would fire at once. */
const longestMs = 0x7fff_ffff
/** What is due already is due now; of a negative delay Node warns on stderr. */
const timeoutMs = (delayUs: number): number => Math.min(Math.max(0, delayUs / 1000), longestMs)

/** `wall` is the monotonic clock from a fixed start, so it never steps when the system time is set. */
export const systemClock: Clock = {
  now: () => Math.floor(performance.now() * 1000),
  wall: () => Math.floor((performance.timeOrigin + performance.now()) * 1000),
  after: (delayUs, run) => {
    const timer = setTimeout(run, timeoutMs(delayUs))
    return () => clearTimeout(timer)
  },
}
