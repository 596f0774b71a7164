/** What is known of a line's media from its session description, before the first packet. */
import { createH264Params } from '../../../media/h264/parameters.ts'
import { parseFmtp } from '../../../media/sdp/attributes.ts'
import type { CodecParameters } from '../../../media/types.ts'
import type { AgreedCodec } from '../offer-answer/types.ts'

const nalType = (nal: Uint8Array): number => (nal[0] ?? 0) & 31
const SPS = 7
const PPS = 8

/** `sprop-parameter-sets` (RFC 6184 8.1); what is no parameter set is left out. */
const parameterSets = (fmtp: ReadonlyMap<string, string>): readonly Buffer[] =>
  (fmtp.get('sprop-parameter-sets') ?? '')
    .split(',')
    .filter(text => text !== '')
    .map(text => Buffer.from(text, 'base64'))

export const trackParameters = ({ id, clockRate, channels, remoteFmtp }: AgreedCodec): CodecParameters => {
  if (id === 'opus') return { codec: id, kind: 'audio', clockRate, channels, fmtp: remoteFmtp }
  if (id !== 'h264') return { codec: id, kind: 'audio', clockRate, channels }
  const fmtp = parseFmtp(remoteFmtp)
  const sets = parameterSets(fmtp)
  return createH264Params(
    sets.filter(nal => nalType(nal) === SPS),
    sets.filter(nal => nalType(nal) === PPS),
    fmtp.get('profile-level-id')?.toLowerCase(),
  )
}

/** Does another agreement mean another track, or the same with what it has learnt since? */
export const sameTrack = (one: AgreedCodec | undefined, other: AgreedCodec): boolean =>
  one !== undefined &&
  one.id === other.id &&
  one.clockRate === other.clockRate &&
  one.channels === other.channels
