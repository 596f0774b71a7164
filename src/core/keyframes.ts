/** Requests of many viewers as few requests to the source. */
import type { Clock } from './types.ts'

/** No two requests to the source are closer than this. */
const spacingUs = 500_000
/** Waits before a request is repeated: a request or its picture may be lost. */
const retryUs = [500_000, 1_000_000, 2_000_000, 4_000_000]

export interface KeyframeRequester {
  request(): void
  /** A key frame passed: whoever waited has it. */
  seen(): void
  /** Requests made of the source. */
  readonly asked: number
  close(): void
}
export interface KeyframeOptions {
  readonly clock: Clock
  readonly ask: () => void
  /** false: nobody watches any more, so repeating stops. */
  readonly isWanted: () => boolean
}

export const createKeyframeRequester = ({ clock, ask, isWanted }: KeyframeOptions): KeyframeRequester => {
  let asked = 0
  let lastAsk = Number.NEGATIVE_INFINITY
  let tries = 0
  let cancel: (() => void) | undefined

  const schedule = (delayUs: number): void => {
    cancel = clock.after(delayUs, () => {
      cancel = undefined
      if (isWanted()) send()
      else tries = 0
    })
  }
  const send = (): void => {
    asked++
    lastAsk = clock.now()
    schedule(retryUs[Math.min(tries++, retryUs.length - 1)]!)
    ask()
  }
  const seen = (): void => {
    if (cancel === undefined) return
    cancel()
    cancel = undefined
    tries = 0
  }
  return {
    request: () => {
      if (cancel !== undefined) return
      const wait = lastAsk + spacingUs - clock.now()
      if (wait <= 0) send()
      else schedule(wait)
    },
    seen,
    get asked() {
      return asked
    },
    close: seen,
  }
}
