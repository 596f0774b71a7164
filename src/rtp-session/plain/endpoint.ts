/** One RTP endpoint: what comes to its ports is checked, counted and handed on; what leaves is written here. */
import { randomInt } from 'node:crypto'
import type { Clock } from '../../core/types.ts'
import type { RtcpPacket } from '../../media/rtcp/types.ts'
import { writeRtcp } from '../../media/rtcp/write.ts'
import type { RtpPacket } from '../../media/types.ts'
import type { AddressId, UdpAddress, UdpPool } from '../../native/types.ts'
import type { Slab } from '../slab.ts'
import { Feedback } from './feedback.ts'
import { Incoming } from './incoming.ts'
import { Outgoing } from './outgoing.ts'
import type { Outlet } from './outlet.ts'
import type { PortPair } from './port-pair.ts'
import { Reports } from './reports.ts'
import { SourceGate } from './source-gate.ts'
import { Strangers } from './strangers.ts'
import type {
  RtpAgreement,
  RtpEndpoint,
  RtpEndpointOptions,
  RtpEndpointStats,
  RtpFormat,
  RtpOutgoing,
  RtpSource,
} from './types.ts'

const REPORT_US = 5_000_000
/** How long after set-up an address may be latched to. */
const WINDOW_US = 10_000_000
const NOBODY = -1
const RTCP_PORT = 1

export interface EndpointParts {
  readonly clock: Clock
  readonly pool: UdpPool
  readonly pair: PortPair
  readonly slab: Slab
  readonly outlet: Outlet
  readonly onClose: () => void
}

export class Endpoint implements RtpEndpoint {
  readonly host: string
  readonly port: number
  readonly rtcpPort: number
  readonly ssrc = randomInt(1, 0x1_0000_0000)
  readonly #options: RtpEndpointOptions
  readonly #parts: EndpointParts
  readonly #incoming: Incoming
  readonly #outlet: Outlet
  readonly #reports: Reports
  readonly #feedback: Feedback
  readonly #strangers: Strangers
  #outgoing: Outgoing | undefined
  #gate: SourceGate | undefined
  #agreement: RtpAgreement | undefined
  /** Retained: media from here needs no further look. */
  #source: AddressId = NOBODY
  /** Where its reports come from. */
  #reporter: UdpAddress | undefined
  #wrongPayloadType = 0
  #malformed = 0
  #unauthentic = 0
  #isOpen = true

  constructor(options: RtpEndpointOptions, parts: EndpointParts) {
    const { pair, clock, outlet } = parts
    this.host = options.host
    this.port = pair.rtpPort
    this.rtcpPort = pair.rtcpPort
    this.#options = options
    this.#parts = parts
    this.#outlet = outlet
    this.#incoming = new Incoming(clock.now(), {
      packet: (packet, format) => this.#received(packet, format),
      senderReport: (ts, wall) => options.listener.senderReport?.(ts, wall),
    })
    this.#strangers = new Strangers(options.listener)
    this.#reports = new Reports({
      ssrc: this.ssrc,
      clock,
      everyUs: options.reportEveryUs ?? REPORT_US,
      incoming: this.#incoming,
      outgoing: () => this.#outgoing,
      send: packets => this.#sendRtcp(packets),
      onTick: now => this.#keepAlive(now),
    })
    this.#feedback = new Feedback(this.ssrc, this.#incoming, options.listener, () => this.#outgoing)
  }

  get lastPacketAt(): number {
    return this.#incoming.lastAt
  }

  agree(agreement: RtpAgreement): void {
    const before = this.#agreement
    this.#agreement = agreement
    this.#incoming.agree(agreement.receives)
    this.#outlet.agree(agreement)
    if (!isSameRemote(before, agreement)) this.#expect(agreement)
    this.#reports.agree(agreement.feedback)
    this.#keepAlive(this.#parts.clock.now())
  }

  send(source: RtpSource): RtpOutgoing {
    if (this.#outgoing === undefined) this.#outgoing = new Outgoing(this.ssrc, source, this.#outlet)
    else this.#outgoing.retarget(source)
    return this.#outgoing
  }

  requestKeyframe(): boolean {
    return this.#outlet.rtcp.isKnown && this.#reports.requestKeyframe()
  }

  /** A datagram in slab[offset, offset + length), which is overwritten when it is decrypted. */
  datagram(
    slab: Buffer,
    offset: number,
    length: number,
    from: AddressId,
    arrival: number,
    port: number,
  ): void {
    if (this.#agreement === undefined || length < 8 || slab[offset]! >> 6 !== 2) {
      this.#malformed++
      return
    }
    const type = slab[offset + 1]!
    // RFC 5761 4: RTCP types lie where an RTP packet would have payload types 64 to 95 and the marker.
    if (type >= 192 && type <= 223) this.#rtcp(slab, offset, length, from, arrival)
    else if (port !== RTCP_PORT && length >= 12) this.#rtp(slab, offset, length, from, arrival)
    else this.#malformed++
  }

  get stats(): RtpEndpointStats {
    const source = this.#gate?.source
    return {
      received: this.#incoming.stats,
      sent: this.#outgoing?.stats,
      strangers: this.#strangers.count,
      refused: this.#strangers.refused,
      wrongPayloadType: this.#wrongPayloadType,
      comfortNoise: this.#incoming.comfortNoise,
      halvedClock: this.#incoming.halvedClock.isOn,
      malformed: this.#malformed + this.#incoming.malformed,
      unauthentic: this.#unauthentic,
      unsent: this.#outlet.unsent,
      keyframesAsked: this.#reports.keyframesAsked,
      keyframesWanted: this.#feedback.keyframesWanted,
      source: source === undefined ? undefined : { ip: source.ip, port: source.port },
      target: this.#outlet.rtp.address,
      latched: this.#gate?.isLatched ?? false,
    }
  }

  close(reason: string): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#reports.close(reason)
    this.#outlet.close()
    if (this.#source !== NOBODY) this.#parts.pool.release(this.#source)
    this.#parts.onClose()
  }

  /** Another peer address: what was learned of the old one is forgotten, and the latch window begins. */
  #expect({ remote, latch }: RtpAgreement): void {
    const trusted = this.#options.allows !== undefined
    this.#gate = new SourceGate({ remote, latch, windowUs: WINDOW_US, trusted }, this.#parts.clock.now())
    if (this.#source !== NOBODY) this.#parts.pool.release(this.#source)
    this.#source = NOBODY
    this.#reporter = undefined
    this.#outlet.lead(this.#gate.described, remote.rtcpPort)
  }

  #rtp(slab: Buffer, offset: number, received: number, from: AddressId, arrival: number): void {
    const payloadType = slab[offset + 1]! & 127
    const ssrc = slab.readUInt32BE(offset + 8)
    const isSource = from === this.#source
    if (!this.#incoming.knows(payloadType)) {
      if (isSource) this.#wrongPayloadType++
      else this.#strangers.met(this.#parts.pool.addressOf(from), arrival)
      return
    }
    const { cipher } = this.#outlet
    const length = cipher === undefined ? received : cipher.unprotectRtp(slab, offset, received)
    if (length < 0) this.#unauthentic++
    else if (!(isSource || this.#admits(from, ssrc, arrival))) return
    else if (this.#incoming.follows(ssrc, arrival)) {
      this.#incoming.receive(this.#parts.slab.copy(slab, offset, length), arrival)
      this.#reports.received()
    } else this.#strangers.met(this.#parts.pool.addressOf(from), arrival)
  }

  /** The way of whoever is not the source; it may become it. */
  #admits(from: AddressId, ssrc: number, arrival: number): boolean {
    const address = this.#parts.pool.addressOf(from)
    if (this.#options.allows?.(address.ip) === false) {
      this.#strangers.refuse(address, arrival)
      return false
    }
    const flow = { ...address, ssrc }
    if (!this.#gate!.admits(flow, this.#incoming.silentSince, arrival)) {
      this.#strangers.met(address, arrival)
      return false
    }
    this.#adopt(from, address)
    return true
  }

  #adopt(from: AddressId, address: UdpAddress): void {
    const { pool } = this.#parts
    if (this.#source !== NOBODY) pool.release(this.#source)
    pool.retain(from)
    this.#source = from
    const gate = this.#gate!
    if (gate.isLatched && this.#options.multicast === undefined)
      this.#outlet.lead(address, this.#reporter?.ip === address.ip ? this.#reporter.port : undefined)
    this.#options.listener.sourceChanged?.(address, gate.why)
  }

  #received(packet: RtpPacket, format: RtpFormat): void {
    if (packet.key) this.#reports.unanswered = 0
    this.#options.listener.packet(packet, format)
  }

  #rtcp(slab: Buffer, offset: number, received: number, from: AddressId, arrival: number): void {
    const address = this.#parts.pool.addressOf(from)
    if (this.#options.allows?.(address.ip) === false) {
      this.#strangers.refuse(address, arrival)
      return
    }
    if (!this.#gate!.admitsRtcp(address.ip)) {
      this.#strangers.met(address, arrival)
      return
    }
    const { cipher } = this.#outlet
    const length = cipher === undefined ? received : cipher.unprotectRtcp(slab, offset, received)
    if (length < 0) {
      this.#unauthentic++
      return
    }
    // Who answers from elsewhere than it is described, or said nothing of itself, is answered there.
    this.#reporter = address
    if (this.#gate!.isLatched && this.#options.multicast === undefined) this.#outlet.rtcp.lead(address)
    this.#feedback.read(slab.subarray(offset, offset + length), arrival)
  }

  #sendRtcp(packets: readonly RtcpPacket[]): void {
    if (this.#options.multicast === undefined) this.#outlet.sendRtcp(writeRtcp(packets))
  }

  #keepAlive(nowUs: number): void {
    const { keepAliveUs } = this.#options
    const format = this.#agreement?.receives[0]
    if (keepAliveUs === undefined || format === undefined || !this.#outlet.rtp.isKnown) return
    if (nowUs - this.#outlet.quietSince(nowUs) < keepAliveUs) return
    this.#outlet.sendEmpty(format.payloadType, this.ssrc, this.#outgoing)
  }
}

const isSameRemote = (before: RtpAgreement | undefined, { remote, latch, rtcpMux }: RtpAgreement): boolean =>
  before !== undefined &&
  before.latch === latch &&
  before.remote.address === remote.address &&
  before.remote.port === remote.port &&
  before.remote.rtcpPort === remote.rtcpPort &&
  before.remote.signalling === remote.signalling &&
  before.rtcpMux === rtcpMux
