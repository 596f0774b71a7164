import { GatewayError } from '../../errors.ts'
import {
  attributeOf,
  attributesOf,
  codecsOf,
  directionOf,
  extensionsOf,
  fingerprintsOf,
} from '../../media/sdp/attributes.ts'
import { parseSdp } from '../../media/sdp/parse.ts'
import type {
  Direction,
  SdpCodec,
  SdpExtension,
  SdpFingerprint,
  SdpMedia,
  SdpSession,
} from '../../media/sdp/types.ts'

/** One m-line of an offer, read. */
export interface OfferedMedia {
  readonly kind: string
  readonly mid: string
  readonly protocol: string
  readonly formats: readonly string[]
  readonly direction: Direction
  readonly codecs: readonly SdpCodec[]
  readonly extensions: readonly SdpExtension[]
  readonly reducedSizeRtcp: boolean
  /** SSRCs announced by `a=ssrc`; repair SSRCs (second of `a=ssrc-group:FID`) are not among them. */
  readonly ssrcs: readonly number[]
  /** Why this m-line cannot be used at all; undefined when it can. */
  readonly unusable: string | undefined
}

/** What matters of an offer to an ICE-lite endpoint that bundles everything. */
export interface Offer {
  readonly iceUfrag: string
  readonly fingerprints: readonly SdpFingerprint[]
  /** Our own DTLS role: passive wherever the offer leaves the choice (RFC 8842 5.3). */
  readonly dtlsRole: 'server' | 'client'
  readonly media: readonly OfferedMedia[]
}

const malformed = (detail: string): GatewayError => new GatewayError('malformed', `SDP offer: ${detail}`)

const bundledMids = (session: SdpSession): readonly string[] => {
  const group = attributesOf(session, 'group').find(value => value.startsWith('BUNDLE '))
  return group === undefined ? [] : group.split(' ').slice(1)
}

const isDtlsRtp = (protocol: string): boolean => /^(UDP|TCP)\/TLS\/RTP\/SAVPF?$|^RTP\/SAVPF$/.test(protocol)

const unusableReason = (media: SdpMedia, mid: string, bundle: readonly string[]): string | undefined => {
  if (media.kind !== 'audio' && media.kind !== 'video') return `${media.kind} is not carried`
  if (!isDtlsRtp(media.protocol)) return `${media.protocol} is not DTLS-SRTP`
  if (media.port === 0 && attributeOf(media, 'bundle-only') === undefined)
    return 'the offer refuses it (port 0)'
  if (!bundle.includes(mid)) return 'it is not in the BUNDLE group'
  return attributeOf(media, 'rtcp-mux') === undefined ? 'it lacks rtcp-mux' : undefined
}

const mediaSsrcs = (media: SdpMedia): readonly number[] => {
  const repair = new Set(
    attributesOf(media, 'ssrc-group')
      .filter(value => value.startsWith('FID '))
      .map(value => Number(value.split(' ')[2])),
  )
  const all = attributesOf(media, 'ssrc').map(value => Number(/^\d+/.exec(value)?.[0]))
  return [...new Set(all)].filter(ssrc => ssrc > 0 && ssrc <= 0xffffffff && !repair.has(ssrc))
}

const readMedia = (
  session: SdpSession,
  media: SdpMedia,
  index: number,
  bundle: readonly string[],
): OfferedMedia => {
  const mid = attributeOf(media, 'mid') ?? String(index)
  return {
    kind: media.kind,
    mid,
    protocol: media.protocol,
    formats: media.formats,
    direction: directionOf(media, session),
    codecs: codecsOf(media),
    extensions: extensionsOf(media),
    reducedSizeRtcp: attributeOf(media, 'rtcp-rsize') !== undefined,
    ssrcs: mediaSsrcs(media),
    unusable: unusableReason(media, mid, bundle),
  }
}

/** RFC 8842 5.3: actpass leaves the choice to us, and waiting (passive) needs no packet of ours to open a NAT. */
const dtlsRole = (setup: string | undefined): 'server' | 'client' => {
  if (setup === 'actpass' || setup === 'active') return 'server'
  if (setup === 'passive') return 'client'
  throw malformed(
    setup === undefined ? 'a=setup is missing' : `a=setup:${setup.slice(0, 20)} cannot be offered`,
  )
}

const USABLE_HASHES = new Set(['sha-256', 'sha-384', 'sha-512'])

/**
 * Reads an SDP offer of a WebRTC client.
 * @throws GatewayError 'malformed' with what is missing, 'not-implemented' for an ICE-lite offerer
 */
export const parseOffer = (text: string): Offer => {
  const session = parseSdp(text)
  const first = session.media[0]
  if (first === undefined) throw malformed('it has no m-line')
  // Without a group every m-line would want a transport of its own: only the first gets one.
  const bundle = bundledMids(session)
  const mids = bundle.length > 0 ? bundle : [attributeOf(first, 'mid') ?? '0']
  const media = session.media.map((section, index) => readMedia(session, section, index, mids))
  const at = Math.max(
    0,
    media.findIndex(section => section.unusable === undefined),
  )
  const carrier = session.media[at]!
  const setting = (name: string): string | undefined =>
    attributeOf(carrier, name) ?? attributeOf(session, name)
  if (setting('ice-lite') !== undefined)
    throw new GatewayError('not-implemented', 'both ends are ICE-lite, so nobody would start the checks')
  const iceUfrag = setting('ice-ufrag')
  if (iceUfrag === undefined || !/^[A-Za-z0-9+/]{4,256}$/.test(iceUfrag))
    throw malformed('a=ice-ufrag is missing or not 4 to 256 letters')
  const fingerprints = fingerprintsOf(carrier, session).filter(({ algorithm }) =>
    USABLE_HASHES.has(algorithm),
  )
  if (fingerprints.length === 0) throw malformed('no a=fingerprint with sha-256, sha-384 or sha-512')
  return { iceUfrag, fingerprints, dtlsRole: dtlsRole(setting('setup')), media }
}
