/**
 * L1. What the addon offers, as plain types: one UDP socket read and written in batches, many UDP sockets polled as
 * one, a thread that sends at deadlines, DTLS handshakes over memory, SRTP contexts, and the one fan-out call.
 * Nothing here knows ICE, SDP or streams.
 */
import type { PacedSender, UdpPool } from './pool-types.ts'
import type { AddressId, UdpSocket, UdpSocketOptions } from './udp-types.ts'

export * from './pool-types.ts'
export * from './udp-types.ts'

/** A self-made certificate; one per gateway process. */
export interface Certificate {
  readonly certPem: string
  readonly keyPem: string
  /** Upper-case hex with colons, as in SDP `a=fingerprint:sha-256`. */
  readonly fingerprintSha256: string
}

/** The last is for SDES alone; its tags are shorter, but for those of RTCP. */
export type SrtpProfile = 'AEAD_AES_128_GCM' | 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32'

export interface SrtpKeys {
  readonly profile: SrtpProfile
  readonly localKey: Uint8Array
  readonly localSalt: Uint8Array
  readonly remoteKey: Uint8Array
  readonly remoteSalt: Uint8Array
}

/** What one step of the handshake gave. `out` are datagrams to send, in order. */
export interface DtlsResult {
  readonly out: readonly Uint8Array[]
  readonly state: 'handshaking' | 'connected' | 'failed' | 'closed'
  /** Set once, in the step that reached 'connected': only after the certificate matched the fingerprint. */
  readonly keys?: SrtpKeys
  /** Set when 'failed': one sentence ("the certificate does not match the fingerprint in the SDP"). */
  readonly error?: string
}

export interface DtlsOptions {
  readonly certificate: Certificate
  readonly role: 'server' | 'client'
  /** Of the peer, from its SDP; hash names as in RFC 8122 ("sha-256"). Any one that matches is enough. */
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[]
  readonly mtuBytes?: number
}

/** One DTLS 1.2 association over memory BIOs. Bad datagrams after 'connected' change nothing (RFC 6347 4.1.2.7). */
export interface DtlsSession {
  /** Client role: makes the first flight. */
  start(): DtlsResult
  feed(datagram: Uint8Array): DtlsResult
  /** Milliseconds until `retransmit` must be called; undefined when no timer runs. */
  timeoutMs(): number | undefined
  retransmit(): DtlsResult
  /** Makes the close_notify datagram. */
  close(): readonly Uint8Array[]
  free(): void
}

/** Results of unprotect below zero. Never fatal: count and drop (RFC 3711 3.3). */
export const UNPROTECT_SHORT = -1
export const UNPROTECT_TAG = -2
export const UNPROTECT_REPLAY = -3
/** One SSRC too many (1024 per direction), or the end of the index space. */
export const SRTP_LIMIT = -4
/** The context was freed: what comes late is dropped like any other. */
export const SRTP_FREED = -5
/**
 * Results of protect below zero. REUSE: the sequence number lies more than 1024 back, or was used for other content,
 * which would repeat a nonce; the same packet again gives the same bytes again. Start sequence numbers below 2^15.
 */
export const PROTECT_SHORT = -1
export const PROTECT_REUSE = -3

/**
 * Both directions of one peer. Streams are kept per SSRC inside (roll-over counter, replay window of 1024), their
 * number is bounded. All calls work in place and return the new length, or a negative UNPROTECT_ code.
 */
export interface SrtpContext {
  readonly profile: SrtpProfile
  unprotectRtp(slab: Uint8Array, offset: number, length: number): number
  unprotectRtcp(slab: Uint8Array, offset: number, length: number): number
  /** `out` needs room for length + 16 + 4 bytes. Returns the protected length, or a negative PROTECT_ or SRTP_ code. */
  protectRtp(packet: Uint8Array, length: number, out: Uint8Array): number
  protectRtcp(packet: Uint8Array, length: number, out: Uint8Array): number
  free(): void
}

/** Constants added to each packet of one outgoing RTP stream of one viewer. */
export interface FanTarget {
  readonly srtp: SrtpContext
  readonly to: AddressId
  readonly ssrc: number
  readonly payloadType: number
  /** Added modulo 2^16 / 2^32 to the packet's own. */
  readonly sequenceOffset: number
  readonly timestampOffset: number
  /** Header extension block written behind the 12-byte header in place of the source's (RFC 8285), empty for none. */
  readonly extensions: Uint8Array
}
/** Opaque; never given to another target as long as a pair could name it. */
export type FanTargetId = number

/**
 * The one fan-out loop: header rewrite, encryption and sending of many packets to many viewers in one call.
 * `pairs` holds (target id, packet index) couples; packets to the same target are in sending order.
 * Packets of one size to one target leave as one UDP GSO message where the kernel can.
 */
export interface FanOut {
  /** `to` is looked up here, once: the id needs no `retain` for the target's sake. */
  add(target: FanTarget): FanTargetId
  update(id: FanTargetId, target: FanTarget): void
  remove(id: FanTargetId): void
  send(packets: readonly Uint8Array[], packetCount: number, pairs: Int32Array, pairCount: number): number
  stats(): FanOutStats
}

/** Counters only grow; one pair counts as one packet. */
export interface FanOutStats {
  readonly sent: number
  /** Not an RTP packet, or no packet of that index. */
  readonly malformed: number
  /** The target was removed, or its SRTP context freed. */
  readonly unknownTarget: number
  /** Not encrypted, because the sequence number was used before for other content or lies too far back. */
  readonly refusedReuse: number
  readonly oversize: number
  /** Not taken by the kernel; the socket's stats say why. */
  readonly refusedByKernel: number
  readonly systemCalls: number
  /** Whether the kernel takes UDP GSO on this socket. */
  readonly segmentation: boolean
}

/** Most messages of one `WriteTcp`: one bit of a positive Int32 each. */
export const TCP_MESSAGES = 31

/**
 * Messages to many TCP sockets, one system call for each socket. `writes` holds `count` triples: the file descriptor
 * of a non-blocking socket; the messages it gets, in their order, as bits; and, filled in, how many bytes were not
 * taken, which the stream that owns the socket writes then: all of them when the socket is full or broken.
 */
export type WriteTcp = (messages: readonly Uint8Array[], writes: Int32Array, count: number) => void

/** Reads one TCP socket past its stream. Closed twice is closed once. */
export interface TcpReader {
  pause(): void
  resume(): void
  /** The descriptor that was given stays open. */
  close(): void
}

/**
 * Reads from the descriptor of a TCP socket into `buffer`, which all readers may share: `onRead` gets the number of
 * bytes and copies what it keeps. 0: the end or a broken connection; nothing more comes then, and the stream that
 * owns the socket meets it again. The stream itself must not read meanwhile.
 */
export type ReadTcp = (descriptor: number, buffer: Uint8Array, onRead: (length: number) => void) => TcpReader

export interface Native {
  openUdp(options: UdpSocketOptions): UdpSocket
  createUdpPool(): UdpPool
  /** Sends through the sockets of `pool`; close it before the pool. */
  createPacedSender(pool: UdpPool): PacedSender
  createCertificate(): Certificate
  createDtls(options: DtlsOptions): DtlsSession
  createSrtp(keys: SrtpKeys): SrtpContext
  createFanOut(socket: UdpSocket): FanOut
  /** Absent on systems without the call: streams write then. */
  readonly writeTcp?: WriteTcp
  /** Absent on systems without the call: streams read then. */
  readonly readTcp?: ReadTcp
}
