/** One RTP session in words that the other end understands: what its description and its commands are made of. */
import type { SdpCrypto } from '../../media/sdp/crypto.ts'
import type { CodecId, Kind } from '../../media/types.ts'

/** One RTP stream, as the one who receives it must know it. */
export interface DescribedStream {
  readonly kind: Extract<Kind, 'video' | 'audio'>
  readonly codec: CodecId | 'mp2t'
  /** As in `a=rtpmap`. */
  readonly name: string
  readonly clockRate: number
  /** Of sound. */
  readonly channels: number
  /** As in `a=fmtp`; '' for none. */
  readonly fmtp: string
  readonly payloadType: number
  /** Where the receiver takes it. */
  readonly port: number
  readonly rtcpPort: number
  /** "nack", "nack pli", "ccm fir": with any, the profile is AVPF. */
  readonly feedback: readonly string[]
  /** What the sender encrypts with. */
  readonly crypto?: SdpCrypto | undefined
  /** Of the sender, where it is known. */
  readonly ssrc?: number | undefined
  /** Where the sender takes RTCP, where it is known. */
  readonly reports?: { readonly address: string; readonly port: number } | undefined
}

export interface DescribedSession {
  /** For people: the name of the stream, or what it is for. */
  readonly name: string
  /** IP address that the receiver takes media on, or the multicast group. */
  readonly address: string
  /** Of multicast packets. */
  readonly ttl: number
  /** Largest RTP packet, header included. */
  readonly packetBytes: number
  readonly streams: readonly DescribedStream[]
  /** What the receiver or the sender of the description does. */
  readonly direction: 'sendonly' | 'recvonly'
  /** Where the description was written, or is thought to be saved. */
  readonly sdpFile: string
  /** Plain UDP without RTP (transport streams only). */
  readonly isPlain?: boolean
}

/** 224.0.0.0/4 and ff00::/8. */
export const isMulticast = (ip: string): boolean => {
  if (ip.includes(':')) return /^ff/i.test(ip)
  const first = Number(ip.split('.')[0])
  return first >= 224 && first <= 239
}

export const isMuxed = ({ port, rtcpPort }: DescribedStream): boolean => port === rtcpPort

/** As hosts stand in URLs. */
export const urlHost = (ip: string): string => (ip.includes(':') ? `[${ip}]` : ip)
