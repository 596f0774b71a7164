/**
 * When a publication of FLV tags is ready: all announced tracks are known, or long enough was waited for
 * them.
 */
import type { Clock } from '../core/types.ts'
import type { Kind } from '../media/types.ts'

export const READY_DEADLINE_US = 2_000_000

export interface Readiness {
  /** onMetaData said what will come. */
  announce(kinds: { readonly video: boolean; readonly audio: boolean }): void
  /** A track has its parameters. */
  known(kind: Kind): void
  /** Media arrives: the deadline runs from the first call. */
  media(): void
  /**
   * So much media was read since the first frame, whatever the clock says: files are read faster than they
   * play.
   */
  elapsed(us: number): void
  cancel(): void
}
export interface ReadinessEvents {
  /** Once. `missing` are the kinds that were expected and have not come. */
  onReady(missing: readonly Kind[]): void
}

/** Without an announcement both kinds are expected. */
export const createReadiness = (clock: Clock, events: ReadinessEvents): Readiness => {
  let expected: readonly Kind[] = ['video', 'audio']
  const present = new Set<Kind>()
  let done = false
  let expired = false
  let stop: (() => void) | undefined

  const finish = (): void => {
    done = true
    stop?.()
    events.onReady(expected.filter(kind => !present.has(kind)))
  }
  const check = (): void => {
    if (done || present.size === 0) return
    if (expired || expected.every(kind => present.has(kind))) finish()
  }
  const expire = (): void => {
    expired = true
    check()
  }

  return {
    announce({ video, audio }) {
      if (!video && !audio) return
      expected = [...(video ? (['video'] as const) : []), ...(audio ? (['audio'] as const) : [])]
      check()
    },
    known(kind) {
      present.add(kind)
      check()
    },
    media() {
      stop ??= clock.after(READY_DEADLINE_US, expire)
    },
    elapsed(us) {
      if (!done && !expired && us > READY_DEADLINE_US) expire()
    },
    cancel() {
      done = true
      stop?.()
    },
  }
}
