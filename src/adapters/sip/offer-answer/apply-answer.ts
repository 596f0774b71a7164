/** Takes the far side's answer to an own offer (RFC 3264 7). */

import { attributeOf, directionOf } from '../../../media/sdp/attributes.ts'
import type { SdpCodec, SdpMedia } from '../../../media/sdp/types.ts'
import type { SdesKeys } from '../../../rtp-session/plain/types.ts'
import { agreedLine, isMisfit, type Misfit } from './agreed-line.ts'
import {
  CODEC_FACTS,
  eventFormats,
  type KnownFormat,
  knownFormats,
  namesOf,
  packetizationModeOf,
} from './call-codecs.ts'
import { type DescribedLine, describeLines } from './described-line.ts'
import { agreedDirection } from './direction.ts'
import { parseDescription } from './parse-description.ts'
import type {
  AgreedCodec,
  AgreedEvents,
  AgreedLine,
  Agreement,
  LocalLine,
  Offered,
  Refusal,
} from './types.ts'

const misfit = (warning: Misfit['warning'], detail: string): Misfit => ({ warning, detail })

/** What of the own offer an answered format stands for: the same number, else the same codec and mode. */
const offeredAs = ({ id, sdp }: KnownFormat, offered: readonly KnownFormat[]): KnownFormat | undefined => {
  const same = offered.filter(each => each.id === id)
  const mode = packetizationModeOf(sdp.fmtp)
  return (
    same.find(each => each.sdp.payloadType === sdp.payloadType) ??
    same.find(each => packetizationModeOf(each.sdp.fmtp) === mode) ??
    same[0]
  )
}

const agreedCodecs = (offer: SdpMedia, answer: SdpMedia): readonly AgreedCodec[] => {
  const offered = knownFormats(offer)
  return knownFormats(answer).flatMap(format => {
    const own = offeredAs(format, offered)
    if (own === undefined) return []
    const { id, sdp } = format
    const mode = packetizationModeOf(sdp.fmtp) === 1 ? 1 : 0
    const { clockRate, channels } = CODEC_FACTS[id]
    return [
      {
        id,
        clockRate,
        channels,
        payloadTypes: { send: sdp.payloadType, receive: own.sdp.payloadType },
        remoteFmtp: sdp.fmtp,
        ...(id === 'h264' && { packetizationMode: mode }),
      } as const,
    ]
  })
}

const agreedEvents = (offer: SdpMedia, answer: SdpMedia, clockRate: number): readonly AgreedEvents[] => {
  const offered = eventFormats(offer)
  const ownOf = (clock: number): SdpCodec | undefined => offered.find(each => each.clockRate === clock)
  return eventFormats(answer)
    .flatMap(({ payloadType, clockRate: clock }) => {
      const own = ownOf(clock)
      return own === undefined
        ? []
        : [{ clockRate: clock, payloadTypes: { send: payloadType, receive: own.payloadType } }]
    })
    .toSorted((a, b) => Number(b.clockRate === clockRate) - Number(a.clockRate === clockRate))
}

/** undefined: in clear. */
const agreedSrtp = (line: DescribedLine, own: LocalLine, offer: SdpMedia, isRequired: boolean) => {
  const wasOffered = attributeOf(offer, 'crypto') !== undefined
  const answered = line.cryptos[0]
  const key = own.keys.find(({ suite }) => suite === answered?.suite)
  if (wasOffered && answered !== undefined && key !== undefined)
    return { suite: key.suite, local: key.keySalt, remote: answered.keySalt } satisfies SdesKeys
  if (isRequired || line.isSecure)
    return misfit(306, `answered ${line.media.protocol} without a key line that was offered`)
  return undefined
}

const applyLine = (
  line: DescribedLine,
  offer: SdpMedia,
  own: LocalLine,
  offered: Offered,
): AgreedLine | Misfit => {
  const { media } = line
  const kind = offer.kind === 'video' ? 'video' : 'audio'
  if (media.port === 0) return misfit(304, 'refused by the far side')
  if (!line.isRtp || media.kind !== kind)
    return misfit(304, `answered with ${media.kind} over ${media.protocol}`)
  const [codec, ...alternatives] = agreedCodecs(offer, media)
  if (codec === undefined)
    return misfit(305, `answered with ${namesOf(media) || 'no codec'}, offered was ${namesOf(offer)}`)
  const srtp = agreedSrtp(line, own, offer, offered.media.srtp === 'required')
  if (srtp !== undefined && isMisfit(srtp)) return srtp
  return agreedLine(line, kind, own, offered.media.signallingFrom, {
    codec,
    alternatives,
    events: agreedEvents(offer, media, codec.clockRate),
    direction: agreedDirection(directionOf(offer, offered.local.session), line.direction),
    rtcpMux: line.rtcpMux && attributeOf(offer, 'rtcp-mux') !== undefined,
    srtp,
    localAddress: (offer.connection ?? offered.local.session.connection ?? '').split(' ')[2] ?? '',
  })
}

interface Applied {
  readonly kind: string
  readonly line: AgreedLine | Misfit
}

const applyLines = (offered: Offered, answer: readonly DescribedLine[]): readonly Applied[] =>
  offered.local.session.media.flatMap((offer, index) => {
    const own = offer.kind === 'video' ? offered.media.video : offered.media.audio
    if (offer.port === 0 || own === undefined) return []
    const line = answer[index]
    const applied =
      line === undefined ? misfit(304, 'left out of the answer') : applyLine(line, offer, own, offered)
    return [{ kind: offer.kind, line: applied }]
  })

/** A refusal here means that the call is to be ended: the far side has accepted something else than was offered. */
export const applyAnswer = (offered: Offered, text: string): Agreement | Refusal => {
  const remote = parseDescription(text)
  if ('outcome' in remote) return remote
  const applied = applyLines(offered, describeLines(remote.session))
  const lines = applied.flatMap(({ line }) => (isMisfit(line) ? [] : [line]))
  const misfits = applied.flatMap(({ kind, line }) => (isMisfit(line) ? [{ ...line, kind }] : []))
  const leftOut = misfits.map(({ kind, detail }) => `${kind}: ${detail}`)
  const lost = misfits.find(({ kind }) => kind === 'audio')
  if (lost !== undefined || lines.length === 0)
    return {
      outcome: 'refused',
      code: 488,
      warning: lost?.warning ?? 304,
      detail: leftOut.join(' · ') || 'nothing was offered',
    }
  return { outcome: 'agreed', lines, local: offered.local, remote, leftOut }
}
