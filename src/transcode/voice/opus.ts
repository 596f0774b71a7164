/** libopus in process, loaded when the first job needs it. */
import type { Decoder, Encoder } from '@evan/opus'

export type OpusRate = 8000 | 12_000 | 16_000 | 24_000 | 48_000
export const OPUS_RATES: readonly number[] = [8000, 12_000, 16_000, 24_000, 48_000]

export interface Opus {
  readonly Encoder: typeof Encoder
  readonly Decoder: typeof Decoder
}

let loading: Promise<Opus> | undefined

/** Rejects where the package has no build for this platform and its WebAssembly does not run either. */
export const loadOpus = (): Promise<Opus> => {
  loading ??= import('@evan/opus')
  return loading
}
