/** ICE-lite (RFC 8445 2.5): we answer checks and never send any. What is not authenticated is dropped and counted. */
import { randomBytes } from 'node:crypto'
import { isStunIntegrityRight, type StunMessage } from '../../media/stun/read.ts'
import { writeBindingSuccess, writeUnknownAttributes } from '../../media/stun/write.ts'
import type { AddressId, UdpSocket } from '../../native/types.ts'

/** RFC 7675 5.1: consent is gone 30 s after the last check that was answered. */
export const CONSENT_US = 30_000_000
/** Addresses of one peer that count as proven at a time. */
const MAX_ADDRESSES = 8

export interface IceCounters {
  /** Checks answered. */
  checks: number
  /** Checks whose MESSAGE-INTEGRITY is wrong or missing. */
  badIntegrity: number
  /** Checks whose USERNAME names us, but another peer. */
  badUsername: number
  /** Checks from an address that another live session holds. */
  addressTaken: number
}

export interface IceOptions {
  readonly socket: UdpSocket
  /** Of the peer, from its offer. */
  readonly remoteUfrag: string
  /** Claims the address for this peer in the port's look-up; false: another live session holds it. */
  claim(address: AddressId): boolean
  /** The address is no longer the peer's. */
  disclaim(address: AddressId): void
  /** The peer has chosen another address for what we send. */
  onSelected(address: AddressId): void
}

/** Random text of the ICE alphabet: 4 letters carry 24 bits (RFC 8445 5.3 wants 24 and 128). */
const randomIceText = (bytes: number): string => randomBytes(bytes).toString('base64').replaceAll('=', '')

export class IceLite {
  readonly localUfrag = randomIceText(6)
  readonly localPwd = randomIceText(24)
  readonly counters: IceCounters = { checks: 0, badIntegrity: 0, badUsername: 0, addressTaken: 0 }
  /** Where our datagrams go: the address of the last check with USE-CANDIDATE, else of the first good one. */
  selected: AddressId | undefined
  /** Monotonic microseconds of the last good check. */
  lastCheckAt: number | undefined
  readonly #options: IceOptions
  readonly #username: string
  /** Proven addresses, the one that was checked longest ago first. */
  #proven: AddressId[] = []

  constructor(options: IceOptions) {
    this.#options = options
    this.#username = `${this.localUfrag}:${options.remoteUfrag}`
  }

  /** A Binding request that names our ufrag. */
  check(bytes: Uint8Array, message: StunMessage, from: AddressId, now: number): void {
    if (message.username !== this.#username) this.counters.badUsername++
    else if (!isStunIntegrityRight(bytes, message, this.localPwd)) this.counters.badIntegrity++
    else if (message.unknownRequired.length > 0)
      this.#options.socket.send(
        from,
        writeUnknownAttributes(message.transactionId, message.unknownRequired, this.localPwd),
      )
    else this.#answer(message, from, now)
  }

  /** Was there a good check not longer ago than this? */
  isFresh(now: number, withinUs: number): boolean {
    return this.lastCheckAt !== undefined && now - this.lastCheckAt < withinUs
  }

  /** The address went to another session. */
  lose(address: AddressId): void {
    const at = this.#proven.indexOf(address)
    if (at >= 0) this.#release(this.#proven.splice(at, 1)[0]!)
    if (this.selected === address) this.selected = undefined
  }

  close(): void {
    for (const address of this.#proven) this.#release(address)
    this.#proven = []
  }

  #answer(message: StunMessage, from: AddressId, now: number): void {
    if (!this.#prove(from)) {
      this.counters.addressTaken++
      return
    }
    this.counters.checks++
    this.lastCheckAt = now
    const { ip, port } = this.#options.socket.addressOf(from)
    this.#options.socket.send(from, writeBindingSuccess(message.transactionId, ip, port, this.localPwd))
    if (from !== this.selected && (message.useCandidate || this.selected === undefined)) this.#select(from)
  }

  /** RFC 8445 7.3.1.3: an address not heard of before is a peer-reflexive candidate, and now proven. */
  #prove(address: AddressId): boolean {
    const known = this.#proven.indexOf(address)
    if (known < 0 && !this.#options.claim(address)) return false
    if (known < 0) this.#options.socket.retain(address)
    else this.#proven.splice(known, 1)
    this.#proven.push(address)
    if (this.#proven.length > MAX_ADDRESSES) this.#forgetOldest()
    return true
  }

  #forgetOldest(): void {
    const at = this.#proven[0] === this.selected ? 1 : 0
    this.#release(this.#proven.splice(at, 1)[0]!)
  }

  #release(address: AddressId): void {
    this.#options.disclaim(address)
    this.#options.socket.release(address)
  }

  #select(address: AddressId): void {
    this.selected = address
    this.#options.onSelected(address)
  }
}
