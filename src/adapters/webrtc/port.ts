/** The one UDP port: each datagram to the session it belongs to, by its first byte (RFC 7983), ufrag and address. */
import type { Clock } from '../../core/types.ts'
import { readStun } from '../../media/stun/read.ts'
import { STUN_TYPE } from '../../media/stun/tables.ts'
import type { AddressId, Certificate, DatagramBatch, FanOut, Native, UdpSocket } from '../../native/types.ts'
import { FanQueue } from './fan-queue.ts'
import type { Offer } from './offer.ts'
import { Transport } from './transport.ts'

const POLL_US = 1_000_000
const RECEIVE_BUFFER_BYTES = 4 << 20
const SEND_BUFFER_BYTES = 4 << 20
/** A session keeps its address against another that claims it while checks on it are not older than this. */
const ADDRESS_HELD_US = 5_000_000

/** Datagrams that belong to no session, by cause. */
export interface PortCounters {
  /** No STUN, DTLS, RTP or RTCP by their first byte. */
  unknown: number
  /** STUN that is damaged, no request, or without a user name. */
  badStun: number
  /** STUN for a ufrag that no session has. */
  unknownUfrag: number
  /** DTLS or media from an address that no session has proven. */
  stranger: number
}

export interface PortOptions {
  readonly native: Native
  readonly clock: Clock
  readonly host: string
  readonly port: number
  readonly connectTimeoutUs: number
}

export class WebRtcPort {
  readonly counters: PortCounters = { unknown: 0, badStun: 0, unknownUfrag: 0, stranger: 0 }
  readonly socket: UdpSocket
  readonly certificate: Certificate
  readonly fan: FanOut
  readonly queue: FanQueue
  readonly #options: PortOptions
  readonly #byUfrag = new Map<string, Transport>()
  /** Indexed by address id. */
  readonly #byAddress: (Transport | undefined)[] = []
  #cancelPoll: () => void

  /** @throws GatewayError 'port-in-use', 'dependency-missing' */
  constructor(options: PortOptions) {
    const { native, host, port } = options
    this.#options = options
    this.socket = native.openUdp({
      host,
      port,
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      sendBufferBytes: SEND_BUFFER_BYTES,
    })
    this.certificate = native.createCertificate()
    this.fan = native.createFanOut(this.socket)
    this.queue = new FanQueue(this.fan)
    this.socket.onBatch(batch => this.#receive(batch))
    this.#cancelPoll = this.#schedulePoll()
  }

  get sessions(): number {
    return this.#byUfrag.size
  }

  /** Makes the transport for one offer; it listens from now on. */
  open(offer: Offer): Transport {
    const { native, clock } = this.#options
    const transport = new Transport({
      native,
      clock,
      offer,
      socket: this.socket,
      certificate: this.certificate,
      claim: (address, by) => this.#claim(address, by),
      disclaim: address => {
        this.#byAddress[address] = undefined
      },
    })
    this.#byUfrag.set(transport.ice.localUfrag, transport)
    return transport
  }

  /** Ends a transport; its address and name are free again. */
  release(transport: Transport): void {
    this.queue.flush()
    transport.close()
    this.#byUfrag.delete(transport.ice.localUfrag)
  }

  close(): void {
    this.#cancelPoll()
    for (const transport of [...this.#byUfrag.values()]) this.release(transport)
    this.socket.close()
  }

  #receive(batch: DatagramBatch): void {
    const { slab, offsets, lengths, from, count } = batch
    const now = this.#options.clock.now()
    for (let i = 0; i < count; i++) {
      const offset = offsets[i]!
      const length = lengths[i]!
      const address = from[i]!
      const first = length === 0 ? 255 : slab[offset]!
      if (first >= 128 && first <= 191) this.#media(slab, offset, length, address, now)
      else if (first <= 3) this.#stun(slab.subarray(offset, offset + length), address, now)
      else if (first >= 20 && first <= 63) this.#dtls(slab.subarray(offset, offset + length), address)
      else this.counters.unknown++
    }
    this.queue.flush()
  }

  #media(slab: Uint8Array, offset: number, length: number, from: AddressId, now: number): void {
    const transport = this.#byAddress[from]
    if (transport === undefined) this.counters.stranger++
    else transport.receiveMedia(slab, offset, length, now)
  }

  #dtls(datagram: Uint8Array, from: AddressId): void {
    const transport = this.#byAddress[from]
    if (transport === undefined) this.counters.stranger++
    else transport.receiveDtls(datagram, from)
  }

  #stun(bytes: Uint8Array, from: AddressId, now: number): void {
    const message = readStun(bytes)
    if (message?.type === STUN_TYPE.bindingIndication) return
    if (message?.type !== STUN_TYPE.bindingRequest || message.username === undefined) {
      this.counters.badStun++
      return
    }
    const transport = this.#byUfrag.get(message.username.split(':', 1)[0]!)
    if (transport === undefined) this.counters.unknownUfrag++
    else transport.receiveStun(bytes, message, from, now)
  }

  /** Whoever owns an address keeps it while checks come in, so that nobody takes it with a forged source address. */
  #claim(address: AddressId, by: Transport): boolean {
    const owner = this.#byAddress[address]
    if (owner !== undefined && owner !== by) {
      if (owner.ice.isFresh(this.#options.clock.now(), ADDRESS_HELD_US)) return false
      owner.ice.lose(address)
    }
    this.#byAddress[address] = by
    return true
  }

  #schedulePoll(): () => void {
    return this.#options.clock.after(POLL_US, () => {
      const now = this.#options.clock.now()
      for (const transport of [...this.#byUfrag.values()]) transport.poll(now, this.#options.connectTimeoutUs)
      this.#cancelPoll = this.#schedulePoll()
    })
  }
}
