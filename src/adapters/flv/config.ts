import { z } from 'zod'
import type { ReloadClass } from '../adapter.ts'

const ms = z.int().min(1)
const bytes = z.int().min(65_536)

/** The `flv` section of the configuration. */
export const flvConfig = z.strictObject({
  /**
   * Enhanced codecs that HTTP-FLV viewers and recordings are given as they are, by FourCC. Few players know the others
   * there: 'Opus' becomes AAC, 'av01', 'vp09' and 'vp08' become H.264 where that may be transcoded.
   */
  fourCcs: z.array(z.string().length(4)).default(['hvc1']),
  /**
   * An HTTP viewer that is behind by more is skipped ahead to a key frame; behind for longer than
   * `viewerGiveUpMs`, it is let go.
   */
  viewerHighWaterBytes: bytes.default(4 << 20),
  viewerGiveUpMs: ms.default(10_000),
  /** A recording that is behind its disk by more fails. */
  recordingHighWaterBytes: bytes.default(32 << 20),
  /** Reading http(s)://….flv: up to the first byte of the answer. */
  connectTimeoutMs: ms.default(10_000),
  /** A remote source that sends nothing for so long has failed. */
  sourceIdleMs: ms.default(15_000),
  maxRedirects: z.int().min(0).max(20).default(5),
})

export type FlvConfig = z.output<typeof flvConfig>

/** Each is read when a viewer, a recording or a source begins. */
export const flvReload = {
  fourCcs: 'next-session',
  viewerHighWaterBytes: 'next-session',
  viewerGiveUpMs: 'next-session',
  recordingHighWaterBytes: 'next-session',
  connectTimeoutMs: 'next-session',
  sourceIdleMs: 'next-session',
  maxRedirects: 'next-session',
} as const satisfies Record<keyof FlvConfig, ReloadClass>
