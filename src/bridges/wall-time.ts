import type { Clock } from '../core/types.ts'

/** Wall clock in microseconds of a monotonic time; undefined stays. */
export const wallTime = (clock: Clock, at: number | undefined): number | undefined =>
  at === undefined ? undefined : clock.wall() + at - clock.now()
