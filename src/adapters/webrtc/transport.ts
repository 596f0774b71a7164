/** ICE, DTLS and SRTP of one peer on the shared port. Knows nothing of tracks. */
import type { Clock, CloseReason } from '../../core/types.ts'
import { GatewayError, toGatewayError } from '../../errors.ts'
import { readRtcp } from '../../media/rtcp/read.ts'
import type { RtcpPacket } from '../../media/rtcp/types.ts'
import { writeRtcp } from '../../media/rtcp/write.ts'
import type { StunMessage } from '../../media/stun/read.ts'
import {
  type AddressId,
  type Certificate,
  type DtlsResult,
  type DtlsSession,
  type Native,
  type SrtpContext,
  type UdpSocket,
  UNPROTECT_REPLAY,
  UNPROTECT_TAG,
} from '../../native/types.ts'
import { createTransportCounters, type TransportCounters } from './diagnose.ts'
import { CONSENT_US, IceLite } from './ice.ts'
import type { Offer } from './offer.ts'

/** SRTP adds a tag of at most 16 bytes, SRTCP an index of 4 more. */
const SRTP_EXPANSION_BYTES = 20

/** What a session does with what the transport lets through. Called synchronously. */
export interface TransportListener {
  connected(): void
  /** A decrypted RTP packet, in a slab that is reused: whoever keeps it copies it. */
  rtp(slab: Uint8Array, offset: number, length: number, arrival: number): void
  rtcp(packets: readonly RtcpPacket[], now: number): void
  /** The peer's address has changed. */
  moved(to: AddressId): void
  /** The transport is of no more use: nothing more will come. */
  ended(reason: CloseReason): void
}

export interface TransportOptions {
  readonly native: Native
  readonly socket: UdpSocket
  readonly certificate: Certificate
  readonly clock: Clock
  readonly offer: Offer
  claim(address: AddressId, transport: Transport): boolean
  disclaim(address: AddressId): void
}

export class Transport {
  readonly ice: IceLite
  readonly counters: TransportCounters
  listener: TransportListener | undefined
  /** Monotonic microseconds of the last packet that authenticated, else of the beginning. */
  lastMediaAt: number
  /** Set once the handshake is done. */
  srtp: SrtpContext | undefined
  readonly #options: TransportOptions
  readonly #openedAt: number
  readonly #dtls: DtlsSession
  #cancelRetransmit: (() => void) | undefined
  #isStarted = false
  #isClosed = false

  /** @throws GatewayError 'bad-request' when a fingerprint of the offer is of no use */
  constructor(options: TransportOptions) {
    const { native, certificate, offer } = options
    this.#options = options
    this.#openedAt = this.lastMediaAt = options.clock.now()
    this.#dtls = native.createDtls({ certificate, role: offer.dtlsRole, fingerprints: offer.fingerprints })
    this.ice = new IceLite({
      socket: options.socket,
      remoteUfrag: options.offer.iceUfrag,
      claim: address => options.claim(address, this),
      disclaim: options.disclaim,
      onSelected: address => this.#selected(address),
    })
    this.counters = createTransportCounters(this.ice.counters)
  }

  get isConnected(): boolean {
    return this.srtp !== undefined
  }

  receiveStun(bytes: Uint8Array, message: StunMessage, from: AddressId, now: number): void {
    if (!this.#isClosed) this.ice.check(bytes, message, from, now)
  }

  /** A DTLS datagram from a proven address; from anywhere else it never gets here. */
  receiveDtls(datagram: Uint8Array, from: AddressId): void {
    if (this.#isClosed) return
    this.counters.dtlsReceived++
    this.#guarded(() => this.#step(this.#dtls.feed(datagram), from))
  }

  /** An SRTP or SRTCP packet from a proven address (told apart as RFC 5761 4 says). */
  receiveMedia(slab: Uint8Array, offset: number, length: number, arrival: number): void {
    const { srtp } = this
    if (srtp === undefined || length < 2) {
      this.counters.srtpOther++
      return
    }
    const type = slab[offset + 1]!
    const isRtcp = type >= 192 && type <= 223
    const size = isRtcp ? srtp.unprotectRtcp(slab, offset, length) : srtp.unprotectRtp(slab, offset, length)
    if (size < 0) this.#countRefused(size)
    else this.#deliver(slab, offset, size, isRtcp, arrival)
  }

  /** Encrypts and sends one compound packet; nothing happens before the transport is up. */
  sendRtcp(packets: readonly RtcpPacket[]): void {
    const { srtp, ice } = this
    if (srtp === undefined || ice.selected === undefined || packets.length === 0) return
    const plain = writeRtcp(packets)
    const out = Buffer.allocUnsafe(plain.length + SRTP_EXPANSION_BYTES)
    const size = srtp.protectRtcp(plain, plain.length, out)
    if (size > 0) this.#options.socket.send(ice.selected, out.subarray(0, size))
  }

  /** Looks at the deadlines; called once a second. */
  poll(now: number, connectTimeoutUs: number): void {
    if (this.#isClosed) return
    if (!this.isConnected && now - this.#openedAt > connectTimeoutUs)
      this.#end({ code: 'timeout', detail: `no connection within ${connectTimeoutUs / 1e6} s` })
    else if (this.isConnected && !this.ice.isFresh(now, CONSENT_US))
      this.#end({ code: 'timeout', detail: `no STUN check for ${CONSENT_US / 1e6} s: the peer is gone` })
  }

  /** Says goodbye over DTLS and frees everything. The listener hears nothing more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.listener = undefined
    this.#cancelRetransmit?.()
    if (this.ice.selected !== undefined) this.#send(this.#dtls.close(), this.ice.selected)
    this.#dtls.free()
    this.srtp?.free()
    this.srtp = undefined
    this.ice.close()
  }

  #end(reason: CloseReason): void {
    this.listener?.ended(reason)
  }

  /** A fault in one session ends that session, not the port. */
  #guarded(run: () => void): void {
    try {
      run()
    } catch (thrown) {
      this.#end({ code: 'failed', error: toGatewayError(thrown) })
    }
  }

  #deliver(slab: Uint8Array, offset: number, size: number, isRtcp: boolean, arrival: number): void {
    this.counters.srtpReceived++
    this.lastMediaAt = arrival
    try {
      if (isRtcp) this.listener?.rtcp(readRtcp(slab.subarray(offset, offset + size)), arrival)
      else this.listener?.rtp(slab, offset, size, arrival)
    } catch (thrown) {
      this.#end({ code: 'failed', error: toGatewayError(thrown) })
    }
  }

  #selected(address: AddressId): void {
    if (this.#options.offer.dtlsRole === 'client' && !this.#isStarted) {
      this.#isStarted = true
      this.#guarded(() => this.#step(this.#dtls.start(), address))
    }
    if (this.isConnected) this.listener?.moved(address)
  }

  #step(result: DtlsResult, to: AddressId): void {
    this.#send(result.out, to)
    if (result.keys !== undefined) {
      this.srtp = this.#options.native.createSrtp(result.keys)
      this.listener?.connected()
    }
    if (result.state === 'failed')
      this.#end({
        code: 'failed',
        error: new GatewayError('refused', result.error),
        detail: result.error ?? 'DTLS',
      })
    else if (result.state === 'closed')
      this.#end({ code: 'source-ended', detail: 'the peer closed the connection' })
    else this.#scheduleRetransmit()
  }

  #send(datagrams: readonly Uint8Array[], to: AddressId): void {
    if (datagrams.length === 0) return
    this.counters.dtlsSent += datagrams.length
    this.#options.socket.sendMany(to, datagrams)
  }

  #scheduleRetransmit(): void {
    this.#cancelRetransmit?.()
    this.#cancelRetransmit = undefined
    const timeoutMs = this.#isClosed ? undefined : this.#dtls.timeoutMs()
    if (timeoutMs === undefined) return
    this.#cancelRetransmit = this.#options.clock.after(timeoutMs * 1000, () => {
      if (!this.#isClosed && this.ice.selected !== undefined)
        this.#step(this.#dtls.retransmit(), this.ice.selected)
    })
  }

  #countRefused(code: number): void {
    if (code === UNPROTECT_TAG) this.counters.srtpBadTag++
    else if (code === UNPROTECT_REPLAY) this.counters.srtpReplayed++
    else this.counters.srtpOther++
  }
}
