/** When a program that died is started again: later each time, and not for ever. Pure. */
export interface RestartPolicy {
  /** `ranUs`: how long it ran; `useful`: it produced something. Microseconds to wait, undefined: give up. */
  failed(ranUs: number, useful: boolean): number | undefined
  /** Failures in a row so far. */
  readonly failures: number
}

const FIRST_DELAY_US = 250_000
const MAX_FAILURES = 6
/** A run this long that did its work forgives the failures before it. */
const HEALTHY_US = 10_000_000

/** 250 ms, doubled each time; the sixth failure in a row is the last. */
export const createRestartPolicy = (): RestartPolicy => {
  let failures = 0
  return {
    get failures() {
      return failures
    },
    failed(ranUs, useful) {
      failures = useful && ranUs >= HEALTHY_US ? 1 : failures + 1
      return failures >= MAX_FAILURES ? undefined : FIRST_DELAY_US * 2 ** (failures - 1)
    },
  }
}
