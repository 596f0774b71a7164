/** All sound that voice jobs ever made, those that have ended included. Counters only grow. */
import type { TranscodeProgress } from '../../core/types.ts'

export interface VoiceTotals {
  readonly concealedMs: number
  readonly silentMs: number
  /** By cause: 'damaged', 'late', 'overflowed'. */
  readonly dropped: Readonly<Record<string, number>>
  /** Unevenness that the worst of the running jobs meets, ms. */
  readonly worstJitterMs: number
}

export const noVoices: VoiceTotals = {
  concealedMs: 0,
  silentMs: 0,
  dropped: { damaged: 0, late: 0, overflowed: 0 },
  worstJitterMs: 0,
}

/** The sums with one job more. */
export const addVoice = (
  totals: VoiceTotals,
  { concealedMs = 0, silentMs = 0, dropped, jitterMs = 0 }: TranscodeProgress,
): VoiceTotals => ({
  concealedMs: totals.concealedMs + concealedMs,
  silentMs: totals.silentMs + silentMs,
  dropped: Object.fromEntries(
    Object.entries(totals.dropped).map(([cause, count]) => [cause, count + (dropped[cause] ?? 0)]),
  ),
  worstJitterMs: Math.max(totals.worstJitterMs, jitterMs),
})
