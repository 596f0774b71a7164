/** Which codec each m-line of an offer gets: pure, for publishers by our preference, for viewers by the plan. */
import type { Accept, TrackInfo } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import type { MediaChoice, SentStream } from './answer.ts'
import {
  namesOf,
  type OfferedCodec,
  offeredCodecs,
  packetizationMode,
  profileLevelId,
  type WebRtcCodec,
} from './codecs.ts'
import { offeredExtensions } from './extensions.ts'
import type { Offer, OfferedMedia } from './offer.ts'

const REFUSED: MediaChoice = { direction: 'inactive', codec: undefined, extensions: {} }

/** Payload bytes of one RTP packet: with all headers, the SRTP tag and RTX a datagram stays below 1230 bytes. */
export const MAX_PAYLOAD_BYTES = 1188

const sends = ({ direction }: OfferedMedia): boolean => direction === 'sendonly' || direction === 'sendrecv'
const receives = ({ direction }: OfferedMedia): boolean =>
  direction === 'recvonly' || direction === 'sendrecv'

/** The line stays open but idle: a codec is named, nothing flows. */
const inactive = (media: OfferedMedia): MediaChoice => ({
  direction: 'inactive',
  codec: media.unusable === undefined ? offeredCodecs(media)[0] : undefined,
  extensions: {},
})

const rank = (prefer: readonly WebRtcCodec[], id: WebRtcCodec): number => {
  const index = prefer.indexOf(id)
  return index < 0 ? prefer.length : index
}

const bestPublished = (media: OfferedMedia, prefer: readonly WebRtcCodec[]): OfferedCodec | undefined =>
  offeredCodecs(media)
    .filter(({ id }) => prefer.includes(id))
    .toSorted((a, b) => rank(prefer, a.id) - rank(prefer, b.id))[0]

const choosePublishedMedia = (media: OfferedMedia, prefer: readonly WebRtcCodec[]): MediaChoice => {
  if (media.unusable !== undefined) return REFUSED
  if (!sends(media)) return inactive(media)
  const codec = bestPublished(media, prefer)
  if (codec === undefined) return REFUSED
  return { direction: 'recvonly', codec, extensions: offeredExtensions(media, ['mid', 'transportWide']) }
}

const describeOffer = (offer: Offer): string =>
  offer.media
    .map(media => `${media.kind} ${media.unusable ?? (namesOf(media) || 'without a codec')}`)
    .join(' · ')

/**
 * One codec for each m-line that sends: the offer's own order decides only among equals of `prefer`.
 * @throws GatewayError 'bad-request' when nothing is sent, 'no-common-codec' when nothing sent can be taken
 */
export const choosePublished = (offer: Offer, prefer: readonly WebRtcCodec[]): readonly MediaChoice[] => {
  if (!offer.media.some(media => media.unusable === undefined && sends(media)))
    throw new GatewayError('bad-request', `the offer sends nothing (${describeOffer(offer)})`)
  const choices = offer.media.map(media => choosePublishedMedia(media, prefer))
  if (!choices.some(({ direction }) => direction === 'recvonly'))
    throw new GatewayError('no-common-codec', `offered: ${describeOffer(offer)}; taken: ${prefer.join(', ')}`)
  return choices
}

const acceptOf = ({ id, sdp }: OfferedCodec): Accept => {
  if (id === 'h264') {
    const mode = packetizationMode(sdp) === 0 ? 0 : 1
    const rtp = { maxPayload: MAX_PAYLOAD_BYTES, h264PacketizationMode: mode } as const
    return { kind: 'video', codec: id, form: 'rtp', rtp, reordered: false }
  }
  const rtp = { maxPayload: MAX_PAYLOAD_BYTES }
  if (id === 'opus') return { kind: 'audio', codec: id, form: 'rtp', rtp, channels: 2, sampleRate: 48_000 }
  if (id === 'pcmu' || id === 'pcma')
    return { kind: 'audio', codec: id, form: 'rtp', rtp, channels: 1, sampleRate: 8000 }
  if (id === 'g722') return { kind: 'audio', codec: id, form: 'rtp', rtp, channels: 1, sampleRate: 16_000 }
  return { kind: 'video', codec: id, form: 'rtp', rtp, reordered: false }
}

const isSame = (a: Accept, b: Accept): boolean =>
  a.codec === b.codec && a.rtp?.h264PacketizationMode === b.rtp?.h264PacketizationMode

/** m-lines of a viewer that may carry something. */
const receivingMedia = (offer: Offer): readonly OfferedMedia[] =>
  offer.media.filter(media => media.unusable === undefined && receives(media))

/**
 * What the viewer takes, in its own order, each codec once.
 * @throws GatewayError 'bad-request' when the offer receives nothing
 */
export const viewerAccepts = (offer: Offer): readonly Accept[] => {
  const receiving = receivingMedia(offer)
  if (receiving.length === 0)
    throw new GatewayError('bad-request', `the offer receives nothing (${describeOffer(offer)})`)
  const all = receiving.flatMap(media => offeredCodecs(media).map(acceptOf))
  return all.filter((accept, index) => all.findIndex(other => isSame(accept, other)) === index)
}

/** A track of the plan, and the m-line that will carry it. */
export interface SentTrack {
  readonly track: TrackInfo
  readonly accept: Accept
  /** Index into `offer.media`; undefined: the offer has no m-line left for it. */
  readonly mediaIndex: number | undefined
}

/** Gives each planned track an m-line of its kind, in order. */
export const assignMedia = (
  offer: Offer,
  tracks: readonly { readonly track: TrackInfo; readonly accept: Accept }[],
): readonly SentTrack[] => {
  const free = new Set(receivingMedia(offer))
  return tracks.map(({ track, accept }) => {
    const media = [...free].find(
      candidate =>
        candidate.kind === accept.kind && offeredCodecs(candidate).some(({ id }) => id === accept.codec),
    )
    if (media !== undefined) free.delete(media)
    return { track, accept, mediaIndex: media === undefined ? undefined : offer.media.indexOf(media) }
  })
}

/** Among the same codec: the profile of the source first, then the mode that was planned. */
const sentCodec = (media: OfferedMedia, { track, accept }: SentTrack): OfferedCodec | undefined => {
  const same = offeredCodecs(media).filter(({ id }) => id === accept.codec)
  if (accept.codec !== 'h264') return same[0]
  const inMode = same.filter(({ sdp }) => packetizationMode(sdp) === (accept.rtp?.h264PacketizationMode ?? 1))
  const profile = track.params.codec === 'h264' ? track.params.profileLevelId?.slice(0, 2) : undefined
  return inMode.find(({ sdp }) => profileLevelId(sdp).slice(0, 2) === profile) ?? inMode[0] ?? same[0]
}

/** The choices for a viewer's offer: planned m-lines send, the rest stays idle. `ssrcs` makes fresh SSRCs. */
export const chooseSent = (
  offer: Offer,
  sent: readonly SentTrack[],
  ssrcs: () => number,
): readonly MediaChoice[] =>
  offer.media.map((media, index) => {
    const carried = sent.find(({ mediaIndex }) => mediaIndex === index)
    const codec = carried && sentCodec(media, carried)
    if (carried === undefined || codec === undefined) return inactive(media)
    const stream: SentStream = {
      ssrc: ssrcs(),
      rtxSsrc: codec.rtxPayloadType === undefined ? undefined : ssrcs(),
      trackId: carried.track.id,
    }
    return { direction: 'sendonly', codec, extensions: offeredExtensions(media, ['mid']), sent: stream }
  })
