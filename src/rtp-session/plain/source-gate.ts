/** Who may be the peer of an endpoint: the rules against strangers on an open port (RTP Bleed), apart from sockets. */
import type { UdpAddress } from '../../native/types.ts'
import { isPrivateAddress } from '../../net/private-addresses.ts'
import type { LatchMode, RtpRemote } from './types.ts'

/** What speaks for an address, best last. */
const NOTHING = 0
const ANYBODY = 1
const SIGNALLING = 2
const DESCRIBED_HOST = 3
const DESCRIBED = 4

/** A flow that was silent for so long may have moved. */
const SILENCE_US = 1_000_000
/** In this time of the window somebody better may still turn up before anybody at all is believed. */
const HEARING_US = 1_000_000

export interface GateRules {
  readonly remote: RtpRemote
  readonly latch: LatchMode
  readonly windowUs: number
  /** There is an allow-list: all whom it lets in are equals. */
  readonly trusted: boolean
}

export interface Flow {
  readonly ip: string
  readonly port: number
  readonly ssrc: number
}

const isUnspecified = (ip: string): boolean => ip === '0.0.0.0' || ip === '::'

/**
 * Nobody can send from the described address, or the peer is not there: what a NAT makes of an SDP. A description
 * without signalling comes from a person, who is believed.
 */
export const isUnusable = ({ address, signalling }: RtpRemote): boolean =>
  address === undefined ||
  isUnspecified(address) ||
  (signalling !== undefined && address !== signalling && isPrivateAddress(address)) ||
  (signalling !== undefined && address !== signalling && !isPrivateAddress(signalling))

/**
 * Decides on addresses one at a time. The one admitted is the only source until it is silent and comes again from
 * elsewhere with its SSRC, or somebody turns up for whom more speaks.
 */
export class SourceGate {
  readonly #rules: GateRules
  readonly #since: number
  /** Both ends are as open as the rules allow: nobody said where the peer is. */
  readonly #isOpen: boolean
  readonly #mayLatch: boolean
  #source: Flow | undefined
  #standing = NOTHING
  #candidate: (Flow & { readonly at: number }) | undefined

  constructor(rules: GateRules, nowUs: number) {
    this.#rules = rules
    this.#since = nowUs
    this.#isOpen = rules.remote.address === undefined && rules.remote.signalling === undefined
    this.#mayLatch = rules.latch === 'on' || (rules.latch === 'auto' && isUnusable(rules.remote))
  }

  get source(): Flow | undefined {
    return this.#source
  }

  /** true: media goes back to where it came from, not where the description says. */
  get isLatched(): boolean {
    const answers = this.#isOpen ? this.#rules.latch !== 'off' : this.#mayLatch
    return this.#source !== undefined && answers && this.#standing < DESCRIBED
  }

  /** Why the source is the source. */
  get why(): string {
    if (this.#isOpen) return 'the first that sent'
    if (this.#standing >= DESCRIBED_HOST) return 'the described address'
    return this.#standing === SIGNALLING
      ? 'latched: the address of the signalling'
      : 'latched: nobody else sent'
  }

  /** May this address, which is not the source, become it? `lastUs`: when the source was heard last. */
  admits(flow: Flow, lastUs: number, nowUs: number): boolean {
    const standing = this.#standingOf(flow)
    if (standing === NOTHING || !this.#mayTakeOver(flow, standing, lastUs, nowUs)) return false
    if (
      this.#source === undefined &&
      standing < DESCRIBED_HOST &&
      !this.#isOpen &&
      !this.#latches(flow, standing, nowUs)
    )
      return false
    this.#source = { ip: flow.ip, port: flow.port, ssrc: flow.ssrc }
    this.#standing = standing
    return true
  }

  /** Its RTCP is believed: it is the source's host, or the described one while there is no source. */
  admitsRtcp(ip: string): boolean {
    if (this.#source !== undefined) return ip === this.#source.ip
    return this.#isOpen || ip === this.#rules.remote.address
  }

  /** Where to send before anything came: as described, or to the signalling's host where that cannot be. */
  get described(): UdpAddress | undefined {
    const { address, port, signalling } = this.#rules.remote
    if (port === 0) return undefined
    const hidden = this.#mayLatch && isUnusable(this.#rules.remote) && signalling !== undefined
    if (hidden && (address === undefined || isUnspecified(address) || !isPrivateAddress(signalling)))
      return { ip: signalling, port }
    return address === undefined || isUnspecified(address) ? undefined : { ip: address, port }
  }

  #standingOf({ ip, port }: UdpAddress): number {
    const { remote } = this.#rules
    if (ip === remote.address) return port === remote.port ? DESCRIBED : DESCRIBED_HOST
    if (this.#isOpen) return ANYBODY
    if (!this.#mayLatch) return NOTHING
    if (ip === remote.signalling) return SIGNALLING
    return this.#rules.latch === 'on' ? ANYBODY : NOTHING
  }

  #mayTakeOver(flow: Flow, standing: number, lastUs: number, nowUs: number): boolean {
    const source = this.#source
    if (source === undefined || standing > this.#standing) return true
    if (nowUs - lastUs < SILENCE_US) return false
    return flow.ip === source.ip || flow.ssrc === source.ssrc || (this.#isOpen && this.#rules.trusted)
  }

  /** Inside the window only; somebody for whom nothing speaks must keep sending until the hearing is over. */
  #latches(flow: Flow, standing: number, nowUs: number): boolean {
    if (nowUs - this.#since > this.#rules.windowUs) return false
    if (standing === SIGNALLING) return true
    this.#candidate ??= { ...flow, at: nowUs }
    const { ip, port, at } = this.#candidate
    return flow.ip === ip && flow.port === port && nowUs - at >= HEARING_US
  }
}
