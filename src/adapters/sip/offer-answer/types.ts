/**
 * Offer and answer (RFC 3264) of a call as plain data: what this end can do goes in, what was agreed comes out.
 * Nothing here opens a port or draws a key, so an offer can be judged before anything is opened for it.
 */
import type { Direction, SdpSession } from '../../../media/sdp/types.ts'
import type { RtpRemote, SdesKeys, SrtpSuite } from '../../../rtp-session/plain/types.ts'

export type CallCodec = 'opus' | 'g722' | 'pcmu' | 'pcma' | 'h264'

/** RFC 4568. 'optional': encrypted where the far side can, else in clear. */
export type SrtpMode = 'off' | 'optional' | 'required'

/** What this end sends with. One key for each suite: RFC 4568 6.1 wants no two lines to share one. */
export interface LocalKey {
  readonly suite: SrtpSuite
  /** 16 bytes of key, 14 of salt; the same for as long as the line keeps its port. */
  readonly keySalt: Uint8Array
}

/** One kind of media of this end, with the ports opened for it. */
export interface LocalLine {
  /** Which codecs are taken. The order is that of an own offer; an answer keeps the offerer's. */
  readonly codecs: readonly CallCodec[]
  /** What this end wants: 'sendonly' or 'inactive' puts the far side on hold. */
  readonly direction: Direction
  readonly port: number
  /** Equal to `port`: RTP and RTCP share one, and rtcp-mux is offered. */
  readonly rtcpPort: number
  /** Is RTCP on the RTP port taken when the far side offers it? */
  readonly rtcpMux: boolean
  /** In order of preference; used unless `srtp` is 'off'. */
  readonly keys: readonly LocalKey[]
  /** Milliseconds per packet that this end can send, the usual one first. */
  readonly ptimesMs: readonly number[]
  /** RFC 4733 events are offered and taken. Audio only. */
  readonly telephoneEvents: boolean
  /** Of the H.264 that will be sent, six hex digits: the far side's format of this profile is chosen first. */
  readonly profileLevelId?: string
  /** Of the H.264 that will be sent, base64. */
  readonly spropParameterSets?: string
  /** `b=AS`, kilobit per second. */
  readonly bandwidthKbps?: number
}

/** This end of a call. */
export interface LocalMedia {
  /** Where media is received, as the far side can reach it: at least one of them. */
  readonly address4: string | undefined
  readonly address6: string | undefined
  /** Of the `o=` line, for as long as the call lasts. */
  readonly sessionId: number
  readonly srtp: SrtpMode
  readonly audio: LocalLine | undefined
  readonly video: LocalLine | undefined
  /** IP address the signalling comes from; tells whether the address in the far side's SDP can be right. */
  readonly signallingFrom?: string
}

/** One codec as both sides number it: the far side sends `receive`, this end sends `send`. */
export interface PayloadTypes {
  readonly send: number
  readonly receive: number
}

export interface AgreedCodec {
  readonly id: CallCodec
  /** Of the RTP timestamps: 8000 for G.722 (RFC 3551 4.5.2). */
  readonly clockRate: number
  readonly channels: 1 | 2
  readonly payloadTypes: PayloadTypes
  /** What the far side says of what it wants to be sent; '' when it says nothing. */
  readonly remoteFmtp: string
  /** H.264: 0, single NAL units; 1, aggregates and fragments too. */
  readonly packetizationMode?: 0 | 1
}

export interface AgreedEvents {
  readonly clockRate: number
  readonly payloadTypes: PayloadTypes
}

/** Why a described address may not be where the media comes from: 'elsewhere' than the signalling. */
export type AddressDoubt = 'unspecified' | 'host-name' | 'multicast' | 'private' | 'elsewhere'

/** A line of media that both sides use. */
export interface AgreedLine {
  /** Which `m=` line it is. */
  readonly index: number
  readonly kind: 'audio' | 'video'
  /** What this end sends, and the far side too unless it chose among several. */
  readonly codec: AgreedCodec
  /** What the far side may send as well: it answered an own offer with more than one codec. */
  readonly alternatives: readonly AgreedCodec[]
  /** One for each clock rate agreed. The first is the one to send with. */
  readonly events: readonly AgreedEvents[]
  /** As seen from this end. */
  readonly direction: Direction
  /** The far side does not want to hear this end now. */
  readonly heldByPeer: boolean
  /** Milliseconds in each packet sent. */
  readonly sendPtimeMs: number
  /** What the far side announced for itself, `a=ptime` and `a=maxptime`. */
  readonly ptimeMs: number | undefined
  readonly maxPtimeMs: number | undefined
  /** `address` is undefined when the description names a host. */
  readonly remote: RtpRemote
  readonly doubt: AddressDoubt | undefined
  readonly localAddress: string
  readonly rtcpMux: boolean
  readonly srtp: SdesKeys | undefined
  /** "nack", "nack pli", "ccm fir", as the far side takes them. */
  readonly feedback: readonly string[]
  /** `b=AS` of the far side, kilobit per second. */
  readonly bandwidthKbps: number | undefined
}

/** A session description as it was sent or received. */
export interface Described {
  readonly text: string
  readonly session: SdpSession
}

/** Where the two sides stand; handed in again when one of them changes something. */
export interface Agreement {
  readonly outcome: 'agreed'
  /** Empty only after a later offer that ended every line. */
  readonly lines: readonly AgreedLine[]
  readonly local: Described
  readonly remote: Described
  /** For each line left out, one sentence. */
  readonly leftOut: readonly string[]
}

/** An own offer on its way. */
export interface Offered {
  readonly local: Described
  readonly media: LocalMedia
}

export interface Refusal {
  readonly outcome: 'refused'
  /** Of the SIP response: 400 for what is no session description, 488 for what does not fit. */
  readonly code: 400 | 488
  /** Of the Warning header (RFC 3261 20.43). */
  readonly warning: 301 | 304 | 305 | 306 | 307 | 399
  /** One sentence with what was offered and what is taken. */
  readonly detail: string
}
