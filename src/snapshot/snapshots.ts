/** Pictures of live streams for whoever asks: one at a time for each stream, a few at once. */
import type { Clock, Registry } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { takeKeyFrame } from './key-frame.ts'
import { drawPicture } from './picture.ts'

export interface Snapshots {
  /**
   * A JPEG of at most 1280x720: the last key frame. Those who ask within a second of each other get the same one.
   * @throws GatewayError 'stream-offline', 'not-found' for a stream without a picture, 'timeout' after three seconds,
   * 'busy', 'dependency-missing', 'unsupported-codec', 'transcode-unavailable'
   */
  take(stream: string): Promise<Uint8Array>
}
export interface SnapshotsParts {
  readonly registry: Registry
  readonly clock: Clock
  readonly ffmpegPath: () => string
  readonly timeoutMs?: number
}

const keptUs = 1_000_000
const mostAtOnce = 4

export const createSnapshots = (parts: SnapshotsParts): Snapshots => {
  const { registry, clock, ffmpegPath, timeoutMs = 3_000 } = parts
  const taken = new Map<string, Promise<Uint8Array>>()
  let running = 0

  const draw = async (stream: string): Promise<Uint8Array> => {
    if (running >= mostAtOnce)
      throw new GatewayError('busy', `${running} snapshots are being taken, at most ${mostAtOnce}`, {
        retryAfterS: 1,
      })
    running += 1
    const startedUs = clock.now()
    try {
      const frame = await takeKeyFrame(registry, clock, stream, timeoutMs)
      const leftMs = Math.max(1, timeoutMs - Math.round((clock.now() - startedUs) / 1000))
      return await drawPicture(frame, { ffmpegPath: ffmpegPath(), clock, timeoutMs: leftMs })
    } finally {
      running -= 1
    }
  }

  return {
    take(stream) {
      const present = taken.get(stream)
      if (present !== undefined) return present
      const picture = draw(stream)
      taken.set(stream, picture)
      const forget = (): void => void taken.delete(stream)
      picture.then(() => clock.after(keptUs, forget), forget)
      return picture
    },
  }
}
