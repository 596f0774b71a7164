import { formatCrypto } from '../../media/sdp/crypto.ts'
import type { SdpAttribute, SdpMedia } from '../../media/sdp/types.ts'
import { writeSdp } from '../../media/sdp/write.ts'
import { type DescribedSession, type DescribedStream, isMulticast, isMuxed } from './described.ts'

/** RFC 8866 5.7: only IPv4 multicast has a TTL. */
const connectionOf = ({ address, ttl }: DescribedSession): string => {
  const isSix = address.includes(':')
  const hops = !isSix && isMulticast(address) ? `/${ttl}` : ''
  return `IN ${isSix ? 'IP6' : 'IP4'} ${address}${hops}`
}

const profileOf = ({ feedback, crypto }: DescribedStream): string =>
  `RTP/${crypto === undefined ? '' : 'S'}AVP${feedback.length > 0 ? 'F' : ''}`

const mapOf = ({ payloadType, name, clockRate, channels, kind }: DescribedStream): string =>
  `${payloadType} ${name}/${clockRate}${kind === 'audio' && channels > 1 ? `/${channels}` : ''}`

/** RTCP on the next port needs no word (RFC 3550 11). */
const rtcpOf = (stream: DescribedStream): SdpAttribute[] => {
  if (isMuxed(stream)) return [{ name: 'rtcp-mux', value: undefined }]
  return stream.rtcpPort === stream.port + 1 ? [] : [{ name: 'rtcp', value: String(stream.rtcpPort) }]
}

const mediaOf = (stream: DescribedStream, direction: string): SdpMedia => {
  const { kind, port, payloadType, fmtp, feedback, crypto } = stream
  const attributes: SdpAttribute[] = [
    { name: 'rtpmap', value: mapOf(stream) },
    ...(fmtp === '' ? [] : [{ name: 'fmtp', value: `${payloadType} ${fmtp}` }]),
    ...feedback.map(value => ({ name: 'rtcp-fb', value: `${payloadType} ${value}` })),
    ...rtcpOf(stream),
    ...(crypto === undefined ? [] : [{ name: 'crypto', value: formatCrypto(crypto) }]),
    { name: direction, value: undefined },
  ]
  return {
    kind,
    port,
    protocol: profileOf(stream),
    formats: [String(payloadType)],
    connection: undefined,
    attributes,
  }
}

/** The session description (RFC 8866), ready to be saved as a file. */
export const describeSession = (session: DescribedSession): string => {
  const connection = connectionOf(session)
  return writeSdp({
    origin: `- 0 0 ${connection.replace(/\/.*$/, '')}`,
    name: session.name.replace(/[\r\n]/g, ' ') || '-',
    connection,
    attributes: [],
    media: session.streams.map(stream => mediaOf(stream, session.direction)),
  })
}
