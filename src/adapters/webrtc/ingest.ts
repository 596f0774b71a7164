/** Publisher to stream: the packets of a WHIP session become tracks in their native form, rtp. */

import type { CloseReason, Publication, TrackWriter } from '../../core/types.ts'
import type { Kind } from '../../media/types.ts'
import type { AdapterContext } from '../adapter.ts'
import { type MediaChoice, writeAnswer } from './answer.ts'
import { choosePublished, MAX_PAYLOAD_BYTES } from './choose.ts'
import { initialParameters, packetizationMode } from './codecs.ts'
import { receivingLink } from './link.ts'
import { parseOffer } from './offer.ts'
import { ReceivingSession } from './receiving.ts'
import { randomSsrc, Session, type SessionHost, type SessionRequest } from './session.ts'

/** How often the arrival of a packet is compared with the track's clock. */
const ANCHOR_US = 500_000
/** They answer no PLI, whatever their offer says (OBS: pull request 13090 was closed; FFmpeg's whip muxer reads no RTCP). */
const IGNORES_KEYFRAME_REQUESTS = /OBS-Studio|^Lavf\//

/** One m-line as a track. */
interface IngestTrack {
  readonly writer: TrackWriter<'rtp'>
  anchoredAt: number
}

const trackIds = (
  choices: readonly MediaChoice[],
  kinds: readonly string[],
): readonly (string | undefined)[] => {
  const seen = new Map<string, number>()
  return choices.map((choice, index) => {
    if (choice.direction !== 'recvonly') return undefined
    const kind = kinds[index]!
    const count = seen.get(kind) ?? 0
    seen.set(kind, count + 1)
    return count === 0 ? kind : `${kind}-${count}`
  })
}

const addTrack = (
  publication: Publication,
  id: string,
  choice: MediaChoice,
  userAgent: string,
  requestKeyframe: () => void,
): IngestTrack => {
  const codec = choice.codec!
  const params = initialParameters(codec)
  const mode = packetizationMode(codec.sdp) === 0 ? 0 : 1
  const answersRequests =
    (params.kind as Kind) === 'video' &&
    (codec.sdp.feedback.includes('nack pli') || codec.sdp.feedback.includes('ccm fir')) &&
    !IGNORES_KEYFRAME_REQUESTS.test(userAgent)
  const writer = publication.addTrack({
    id,
    native: 'rtp',
    params,
    rtp: { maxPayload: MAX_PAYLOAD_BYTES, ...(codec.id === 'h264' ? { h264PacketizationMode: mode } : {}) },
    ...(answersRequests ? { onKeyframeRequest: requestKeyframe } : {}),
  })
  return { writer, anchoredAt: Number.NEGATIVE_INFINITY }
}

const write = (
  { clock }: AdapterContext,
  track: IngestTrack,
  packet: Parameters<IngestTrack['writer']['write']>[0],
): void => {
  if (packet.arrival - track.anchoredAt >= ANCHOR_US) {
    track.anchoredAt = packet.arrival
    const wall = clock.wall() - (clock.now() - packet.arrival)
    track.writer.clock.anchor({ ts: packet.ts, wall, from: 'arrival' })
  }
  track.writer.write(packet)
}

/** A publisher that is done says so by DELETE: a connection closed without it is a page that was reloaded, or lost. */
const asLoss = (reason: CloseReason): CloseReason =>
  reason.code === 'source-ended' ? { ...reason, code: 'source-lost' } : reason

const connect = (
  host: SessionHost,
  session: Session,
  choices: readonly MediaChoice[],
  publication: Publication,
): void => {
  const { media } = session.offer
  const ids = trackIds(
    choices,
    media.map(({ kind }) => kind),
  )
  const identity = { ssrc: randomSsrc(), cname: session.local.cname }
  const receiving = new ReceivingSession(session.transport, host.context.clock, media, choices, identity, {
    onConnected: () => publication.ready(),
    onPacket: (line, packet) => write(host.context, tracks[line]!, packet),
    onReport: (line, ts, wall) => tracks[line]!.writer.clock.anchor({ ts, wall, from: 'sender-report' }),
    onEnded: reason => void session.close(asLoss(reason)),
  })
  const tracks = ids.map((id, index) =>
    id === undefined
      ? undefined
      : addTrack(publication, id, choices[index]!, session.request.userAgent, () =>
          receiving.requestKeyframe(index),
        ),
  )
  session.mediaStats = () => receiving.stats
  session.link = () => receivingLink(receiving.stats)
  session.onClose = reason => receiving.close(reason)
  session.transport.listener = receiving
}

export interface Answered {
  readonly session: Session
  readonly answer: string
}

/**
 * Takes a publisher's offer: the stream is announced at once and ready when the handshake is done.
 * @throws GatewayError 'malformed', 'bad-request', 'no-common-codec', 'name-taken'
 */
export const acceptPublisher = (host: SessionHost, request: SessionRequest, text: string): Answered => {
  const offer = parseOffer(text)
  const choices = choosePublished(offer, host.config.publishCodecs)
  const session = new Session(host, 'whip', request, offer)
  try {
    const { signal } = session.scope
    const publication = host.context.registry.publish(request.stream, {
      label: session.label,
      signal,
      onConflict: 'as-allowed',
      ...(request.credential !== undefined && { credential: request.credential }),
      lastSeenUs: () => session.transport.lastMediaAt,
      link: () => session.link(),
    })
    void publication.closed.then(reason => session.close(reason))
    connect(host, session, choices, publication)
    return { session, answer: writeAnswer(offer, choices, session.local) }
  } catch (error) {
    void session.close({ code: 'failed', detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
}
