/** Mean opinion score of a call's sound, by the E-model (ITU-T G.107) with what RTP tells: loss, jitter and delay. */

/** Equipment impairment and robustness against random loss (ITU-T G.113 appendix I), concealment in place. */
const codecs: Readonly<Record<string, { readonly impairment: number; readonly robustness: number }>> = {
  pcmu: { impairment: 0, robustness: 25.1 },
  pcma: { impairment: 0, robustness: 25.1 },
  g722: { impairment: 0, robustness: 16.1 },
  opus: { impairment: 0, robustness: 24 },
}
/** Transmission rating without any impairment (G.107 7.7 with its default values). */
const BEST_RATING = 93.2
/** From here on delay disturbs the conversation. */
const DISTURBING_MS = 177.3

export interface SoundQuality {
  readonly codec: string
  /** 0 to 1. */
  readonly fractionLost: number
  readonly jitterMs: number
  /** 0: not known. */
  readonly roundTripMs: number
}

const ratingToMos = (rating: number): number => {
  if (rating <= 0) return 1
  return 1 + 0.035 * rating + 7e-6 * rating * (rating - 60) * (100 - rating)
}

/** 1.0 to 4.5. The jitter buffer is taken to hold twice the jitter. */
export const meanOpinionScore = ({ codec, fractionLost, jitterMs, roundTripMs }: SoundQuality): number => {
  const { impairment, robustness } = codecs[codec] ?? codecs.pcmu!
  const delayMs = roundTripMs / 2 + 2 * jitterMs + 20
  const delay = 0.024 * delayMs + 0.11 * Math.max(0, delayMs - DISTURBING_MS)
  const loss = 100 * Math.min(1, Math.max(0, fractionLost))
  const equipment = impairment + (95 - impairment) * (loss / (loss + robustness))
  return Math.min(4.5, Math.max(1, ratingToMos(BEST_RATING - delay - equipment)))
}
