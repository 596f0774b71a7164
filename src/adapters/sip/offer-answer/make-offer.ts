/** Makes an own offer (RFC 3264 5), and later ones that keep the lines where they are (RFC 3264 8). */
import type { SdpCrypto } from '../../../media/sdp/crypto.ts'
import type { SdpMedia } from '../../../media/sdp/types.ts'
import { CODEC_FACTS } from './call-codecs.ts'
import { describeOwn } from './described.ts'
import { offeredFormats } from './offered-formats.ts'
import { ownLine, refusedLine } from './own-line.ts'
import type { AgreedLine, Agreement, LocalLine, LocalMedia, Offered } from './types.ts'

const FEEDBACK = ['nack pli', 'ccm fir'] as const
type Kind = AgreedLine['kind']

/** What is agreed stays: the codec in use comes first, so that the far side has no reason to change it. */
const withAgreedFirst = (own: LocalLine, agreed: AgreedLine | undefined): LocalLine => {
  const inUse = agreed?.codec.id
  return { ...own, codecs: own.codecs.toSorted((a, b) => Number(b === inUse) - Number(a === inUse)) }
}

const cryptosFor = (
  own: LocalLine,
  agreed: AgreedLine | undefined,
  local: LocalMedia,
): readonly SdpCrypto[] => {
  const isClear = local.srtp === 'off' || (agreed !== undefined && agreed.srtp === undefined)
  if (isClear && local.srtp !== 'required') return []
  const inUse = agreed?.srtp?.suite
  const keys = own.keys.toSorted((a, b) => Number(b.suite === inUse) - Number(a.suite === inUse))
  return keys.map(({ suite, keySalt }, index) => ({ tag: index + 1, suite, keySalt }))
}

const offerLine = (
  kind: Kind,
  own: LocalLine,
  local: LocalMedia,
  previous: Agreement | undefined,
): SdpMedia => {
  const agreed = previous?.lines.find(line => line.kind === kind)
  const ordered = withAgreedFirst(own, agreed)
  const before = [previous?.local, previous?.remote].map(side =>
    agreed === undefined ? undefined : side?.session.media[agreed.index],
  )
  return ownLine({
    kind,
    protocol: before[0]?.protocol ?? (local.srtp === 'required' ? 'RTP/SAVP' : 'RTP/AVP'),
    address: agreed?.localAddress ?? local.address4 ?? local.address6 ?? '0.0.0.0',
    local: ordered,
    formats: offeredFormats(kind, ordered, before),
    direction: own.direction,
    ptimeMs: agreed?.sendPtimeMs ?? own.ptimesMs[0] ?? 20,
    rtcpMux: own.rtcpMux,
    cryptos: cryptosFor(own, agreed, local),
    feedback: kind === 'video' ? FEEDBACK : [],
  })
}

const hasCodec = (kind: Kind, own: LocalLine): boolean => own.codecs.some(id => CODEC_FACTS[id].kind === kind)

/** A later offer asks for what there is, not again for what was refused; when there is nothing left, for everything. */
const kindsToOffer = (local: LocalMedia, previous: Agreement | undefined): readonly Kind[] => {
  const inUse = previous?.lines.map(({ kind }) => kind) ?? []
  return (['audio', 'video'] as const).filter(kind => {
    const own = local[kind]
    return own !== undefined && hasCodec(kind, own) && (inUse.length === 0 || inUse.includes(kind))
  })
}

/** The place of a kind among the lines of the call: its own, else one of that kind that has ended. */
const placeOf = (kind: Kind, previous: Agreement | undefined): number =>
  previous?.lines.find(line => line.kind === kind)?.index ??
  previous?.local.session.media.findIndex(media => media.kind === kind) ??
  -1

export const makeOffer = (local: LocalMedia, previous?: Agreement): Offered => {
  const media = previous?.local.session.media.map(refusedLine) ?? []
  for (const kind of kindsToOffer(local, previous)) {
    const own = local[kind]
    if (own === undefined) continue
    const place = placeOf(kind, previous)
    media[place < 0 ? media.length : place] = offerLine(kind, own, local, previous)
  }
  const address = previous?.lines[0]?.localAddress ?? local.address4 ?? local.address6 ?? '0.0.0.0'
  return { local: describeOwn(local.sessionId, address, media, previous?.local), media: local }
}
