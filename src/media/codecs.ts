/** What kind of media each codec that the gateway knows is. */
import type { CodecId, Kind } from './types.ts'

const KINDS: Readonly<Record<CodecId, Kind>> = {
  h264: 'video',
  h265: 'video',
  av1: 'video',
  vp8: 'video',
  vp9: 'video',
  opus: 'audio',
  aac: 'audio',
  pcmu: 'audio',
  pcma: 'audio',
  g722: 'audio',
  l16: 'audio',
  mp3: 'audio',
  'telephone-event': 'data',
  'amf-data': 'data',
}

export const kindOf = (codec: CodecId): Kind => KINDS[codec]
