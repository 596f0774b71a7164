/**
 * What plain RTP and SIP share: one RTP endpoint, which is the socket pair, the agreed formats and the accounts of one
 * m-line. It admits only whom it may, hands on packets in the order of arrival, and writes all RTCP itself.
 */
import type { TrackClock } from '../../core/types.ts'
import type { CodecId, RtpPacket } from '../../media/types.ts'
import type { UdpAddress } from '../../native/types.ts'
import type { RtpReceiverStats } from '../receiver.ts'
import type { RtpSenderStats } from '../sender.ts'

/**
 * Where media may come from other than described: nowhere; within a short window when the described address cannot be
 * the right one, and then only from where the signalling came; or, in that window, from anywhere at all.
 */
export type LatchMode = 'off' | 'auto' | 'on'

/** A multiplex that is no codec itself: its packets are to be demultiplexed by whoever gets them. */
export type RtpEncoding = CodecId | 'mp2t'

/** One payload type of an m-line. */
export interface RtpFormat {
  readonly payloadType: number
  readonly codec: RtpEncoding
  readonly clockRate: number
}

/** SDES suites (RFC 4568 6.2); SRTCP carries the long tag with both. */
export type SrtpSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32'

/** Master keys and salts, 30 bytes each, as `a=crypto` carries them (RFC 4568 6.1). */
export interface SdesKeys {
  readonly suite: SrtpSuite
  /** Of what we send. */
  readonly local: Uint8Array
  /** Of what the peer sends. */
  readonly remote: Uint8Array
}

/** The peer's end as its SDP and its signalling tell it. */
export interface RtpRemote {
  /** IP address; undefined: not told, it is answered where it sends from. */
  readonly address: string | undefined
  /** 0 with an address that is not told. */
  readonly port: number
  /** Default: the port itself when RTCP is multiplexed, else the next one. */
  readonly rtcpPort?: number
  /** IP address that the signalling came from; undefined without signalling. */
  readonly signalling?: string | undefined
}

/** What both ends agreed on. A new one replaces the old as a whole; the SSRC and all numbers sent go on. */
export interface RtpAgreement {
  /** Payload types that may come in; those of `telephone-event` share the numbers of the sound around them. */
  readonly receives: readonly RtpFormat[]
  readonly remote: RtpRemote
  readonly latch: LatchMode
  /** RTP and RTCP on one port (RFC 5761). Both kinds are understood on the RTP port in any case. */
  readonly rtcpMux: boolean
  /** Feedback that the peer understands: "nack", "nack pli", "ccm fir". */
  readonly feedback: readonly string[]
  /** Absent: nothing is encrypted. */
  readonly sdes?: SdesKeys
}

/** Inclusive; an even port and the odd one above it are taken together. */
export interface PortRange {
  readonly min: number
  readonly max: number
}

export interface RtpEndpointOptions {
  /** Local IP address. */
  readonly host: string
  /** A port to have, a range to take a free pair of, or, left out, any free pair. */
  readonly port?: number | PortRange
  /** Another RTCP port than the next one; null: none, RTCP comes and goes on the RTP port. */
  readonly rtcpPort?: number | null
  readonly multicast?: MulticastMembership
  /** What the kernel may keep of what has not been read yet (SO_RCVBUF). Default: the system's. */
  readonly receiveBufferBytes?: number
  readonly outgoing?: OutgoingLimits
  /** May a source address send here at all? Asked once for each new one. Default: all. */
  readonly allows?: (ip: string) => boolean
  readonly listener: RtpEndpointListener
  /** Between reports of ours, microseconds. Default 5 s (RFC 3550 6.2), the first after a tenth of that. */
  readonly reportEveryUs?: number
  /** An empty packet leaves after so much silence of ours (RFC 6263 4.6), microseconds; left out: none. */
  readonly keepAliveUs?: number
}

/** Of what an endpoint sends. */
export interface OutgoingLimits {
  /** Packets that may wait for their time to leave; those beyond are counted as unsent. Default: 100, two seconds of sound. */
  readonly maxWaiting?: number
  /** Hops of multicast packets. Default: the system's, which is 1. */
  readonly ttl?: number
  /** Name or IP address of the interface that multicast leaves by. */
  readonly interface?: string
}

export interface MulticastMembership {
  readonly group: string
  /** IP address of the interface; left out: the system's choice. */
  readonly interface?: string
  /** Only this sender is joined (RFC 4607). */
  readonly source?: string
}

/** Everything is called synchronously, from within the read of a batch. */
export interface RtpEndpointListener {
  /** Each sequence number once, in the order of arrival; `format` changes identity when the payload type does. */
  packet(packet: RtpPacket, format: RtpFormat): void
  /** A sender report: tick `ts` of what comes in was captured at `wall`, by the sender's clock, in microseconds. */
  senderReport?(ts: number, wall: number): void
  /** The peer asks for a key frame of what we send (PLI or FIR). */
  keyframeWanted?(): void
  /** The peer says that it has stopped sending. */
  bye?(reason: string): void
  /** Media is now taken from this address, and why: "the described address", "latched within 5 s of set-up", … */
  sourceChanged?(source: UdpAddress, why: string): void
  /** Packets of somebody else were dropped; `count` since the last call, which comes at most once a second. */
  strangers?(from: UdpAddress, count: number): void
}

/** Where outgoing packets come from; what is sent goes on in numbers and time when it changes. */
export interface RtpSource {
  readonly clock: TrackClock
  readonly clockRate: number
  readonly payloadType: number
  /** Finds a packet again for a NACK, by its own unwrapped sequence number. */
  readonly lookup?: (seq: number) => RtpPacket | undefined
}

/** The one outgoing stream of an endpoint. Headers are plain: 12 bytes, no extension, no CSRC. */
export interface RtpOutgoing {
  /**
   * Sends with our SSRC, sequence number and time line. `payloadType`: another than the source's, for digits among
   * sound. `dueUs`: the moment to leave, monotonic microseconds; left out: at once.
   */
  write(packet: RtpPacket, payloadType?: number, dueUs?: number): void
  /** The next packet comes from another source. */
  retarget(source: RtpSource): void
}

export interface RtpEndpointStats {
  readonly received: RtpReceiverStats | undefined
  readonly sent: RtpSenderStats | undefined
  /** Packets of others than the one sender, or of it with another SSRC beside its own. */
  readonly strangers: number
  /** Refused by the allow-list. */
  readonly refused: number
  /** From the right sender with a payload type that was not agreed on. */
  readonly wrongPayloadType: number
  /** From it too, in pauses of its speaker: not handed on, and no loss. */
  readonly comfortNoise: number
  /** true: it sends G.722 with times of 16 kHz, which are halved. */
  readonly halvedClock: boolean
  readonly malformed: number
  /** SRTP and SRTCP that failed authentication or came again. */
  readonly unauthentic: number
  /** Not sent: no address yet, refused by the kernel or by the cipher. */
  readonly unsent: number
  /** Key frames asked of the peer, and by it. */
  readonly keyframesAsked: number
  readonly keyframesWanted: number
  /** Where media is taken from; undefined before the first packet. */
  readonly source: UdpAddress | undefined
  /** Where media is sent; undefined: nowhere yet. */
  readonly target: UdpAddress | undefined
  /** true: source and target are those that media came from, not those described. */
  readonly latched: boolean
}

export interface RtpEndpoint {
  readonly host: string
  readonly port: number
  /** The RTP port itself when RTCP has none of its own. */
  readonly rtcpPort: number
  /** Of all that we send, for the endpoint's whole life. */
  readonly ssrc: number
  /** Monotonic microseconds of the last packet admitted; the moment of opening before the first. */
  readonly lastPacketAt: number
  readonly stats: RtpEndpointStats
  /** Until the first call everything that comes is dropped. A changed remote address opens the latch window anew. */
  agree(agreement: RtpAgreement): void
  /** Begins to send; a second call replaces the source, as `retarget` does. */
  send(source: RtpSource): RtpOutgoing
  /** Asks the peer for a key frame by what it understands; false: by nothing, or nothing has come yet. */
  requestKeyframe(): boolean
  /** Says BYE where anything was sent or received, encrypted where media is. Idempotent. */
  close(reason: string): void
}

/** All endpoints of one adapter: one pool of sockets, one paced sender. */
export interface RtpPorts {
  /** @throws GatewayError 'port-in-use' that names the port, or the range and that every pair of it is taken */
  open(options: RtpEndpointOptions): RtpEndpoint
  /** Endpoints that are open. */
  readonly size: number
  /** Closes what is open, with this reason in its BYE. */
  close(reason: string): void
}
