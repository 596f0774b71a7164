import { readOpusDuration } from '../../media/opus/toc.ts'
import { pcmTickBytes } from '../../media/pcm/parameters.ts'
import type { CodecParameters } from '../../media/types.ts'

/** Ticks of the track's clock that a packet lasts; undefined: it is damaged. */
export const ticksOf = (params: CodecParameters, payload: Uint8Array): number | undefined => {
  switch (params.codec) {
    case 'opus':
      return readOpusDuration(payload)
    case 'pcmu':
    case 'pcma':
    case 'g722':
    case 'l16': {
      const ticks = payload.length / pcmTickBytes(params)
      return ticks > 0 && Number.isInteger(ticks) ? ticks : undefined
    }
    default:
      return undefined
  }
}
