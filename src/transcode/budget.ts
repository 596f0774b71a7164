/** Which jobs may run at the same time: each sets aside what it will need of the processor before it begins. */
import { GatewayError } from '../errors.ts'

export interface Reservation {
  readonly cores: number
  /** The job needs more or less from now on: never refused, a running job is not ended. */
  change(cores: number): void
  /** Idempotent. */
  release(): void
}
export interface Budget {
  readonly cores: number
  /** Set aside now; above `cores` when running jobs have come to need more. */
  readonly used: number
  /** @throws GatewayError 'transcode-unavailable' with the numbers, when less than `cores` is left */
  reserve(cores: number): Reservation
  /** From now on so many; what is set aside stays so. */
  resize(cores: number): void
}

/** Sums of decimal shares are not exact. */
const EPSILON = 1e-9

const share = (cores: number): string =>
  cores < 1 ? `${cores.toFixed(2)} of a core` : `${cores.toFixed(2)} cores`

/** `cores`: of the processor that all jobs together may keep busy. */
export const createBudget = (cores: number): Budget => {
  let most = cores
  let used = 0
  return {
    get cores() {
      return most
    },
    get used() {
      return used
    },
    reserve(wanted) {
      const left = Math.max(0, most - used)
      if (wanted > left + EPSILON)
        throw new GatewayError(
          'transcode-unavailable',
          `it needs ${share(wanted)}, ${left.toFixed(2)} of ${most.toFixed(2)} left (transcode.cores)`,
        )
      let reserved = wanted
      used += reserved
      return {
        get cores() {
          return reserved
        },
        change(next) {
          used += next - reserved
          reserved = next
        },
        release() {
          used = Math.max(0, used - reserved)
          reserved = 0
        },
      }
    },
    resize(next) {
      most = next
    },
  }
}
