/** A track of silence that no source writes: its frames lie on the stream's own time line. */
import { closable } from '../core/scope.ts'
import type { Scope, Track } from '../core/types.ts'
import { parseAudioSpecificConfig } from '../media/aac/config.ts'
import { silentAac } from '../media/aac/silence.ts'
import type { AacParameters, Frame } from '../media/types.ts'

export interface SilentTrack {
  readonly track: Track
  readonly params: AacParameters
  /** Samples of one frame. */
  readonly samples: number
  /** The frame that begins at `ts`, in samples of stream time. */
  frame(ts: number, arrivalUs: number): Frame
}

/** undefined: silence for so many channels, or for SBR, is not made here. */
export const createSilentTrack = (
  params: AacParameters,
  minKbps: number,
  scope: Scope,
): SilentTrack | undefined => {
  const { frameSamples, sbr } = parseAudioSpecificConfig(params.config)
  if (params.channels > 2 || sbr) return undefined
  const rate = params.clockRate
  const bytes = Math.ceil((minKbps * 125 * frameSamples) / rate)
  const units = [silentAac(params.channels === 1 ? 1 : 2, bytes)]
  const track: Track = {
    ...closable(scope),
    id: 'silence',
    kind: 'audio',
    native: 'frame',
    params,
    keyframeOnRequest: false,
    clock: {
      rate,
      anchor: () => undefined,
      toWall: () => undefined,
      toStreamTime: ts => Math.round((ts * 1e6) / rate),
      fromStreamTime: us => Math.round((us * rate) / 1e6),
    },
    frames: () => noFeed,
    packets: () => ({
      ...{ ...noFeed, form: 'rtp', attach: () => () => undefined },
      ...{ remember: () => undefined, lookup: () => undefined },
    }),
    requestKeyframe: () => undefined,
    onParams: () => () => undefined,
  }
  return {
    track,
    params,
    samples: frameSamples,
    frame: (ts, arrival) => ({
      units,
      pts: ts,
      dts: ts,
      duration: frameSamples,
      key: true,
      params,
      discontinuity: false,
      arrival,
    }),
  }
}

/** It is written into its destination alone, never read by others. */
const noFeed = { form: 'frame', size: 0, attach: () => () => undefined } as const
