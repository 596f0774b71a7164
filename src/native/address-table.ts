import { isIP } from 'node:net'
import { GatewayError } from '../errors.ts'
import type { AddressId, UdpAddress } from './types.ts'

interface Entry {
  key: string
  address: UdpAddress
  retained: number
}

/** An IPv4 address that came over a socket of both families, under its plain name. */
export const withoutMapping = (ip: string): string =>
  ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice(7) : ip

/** Addresses as small integers, as the addon keeps them: what nobody retained is recycled, least recently seen first. */
export class AddressTable {
  readonly #ids = new Map<string, AddressId>()
  readonly #entries: Entry[] = []
  /** In the order in which they were last seen. */
  readonly #transient = new Set<AddressId>()
  readonly #transientLimit: number

  constructor(transientLimit: number) {
    this.#transientLimit = transientLimit
  }

  intern(ip: string, port: number): AddressId {
    const key = `${ip} ${port}`
    const known = this.#ids.get(key)
    const id = known ?? this.#takeId()
    if (known === undefined) {
      this.#entries[id] = { key, address: { ip, port }, retained: 0 }
      this.#ids.set(key, id)
    }
    if (this.#entries[id]!.retained === 0) this.#touch(id)
    return id
  }

  /** For addresses that come from outside. Throws RangeError for what is no numeric address and port. */
  internNumeric(ip: string, port: number): AddressId {
    if (isIP(ip) === 0 || !Number.isInteger(port) || port < 1 || port > 65_535) {
      throw new RangeError(`'${ip}' port ${port} is not an address`)
    }
    return this.intern(withoutMapping(ip), port)
  }

  /** Throws GatewayError 'internal' when there is no such id. */
  addressOf(id: AddressId): UdpAddress {
    const entry = this.#entries[id]
    if (entry === undefined) throw new GatewayError('internal', `there is no address with the id ${id}`)
    return entry.address
  }

  retain(id: AddressId): boolean {
    const entry = this.#entries[id]
    if (entry === undefined) return false
    entry.retained++
    this.#transient.delete(id)
    return true
  }

  release(id: AddressId): boolean {
    const entry = this.#entries[id]
    if (entry === undefined || entry.retained === 0) return false
    entry.retained--
    if (entry.retained === 0) this.#touch(id)
    return true
  }

  #touch(id: AddressId): void {
    this.#transient.delete(id)
    this.#transient.add(id)
  }

  #takeId(): AddressId {
    if (this.#transient.size < this.#transientLimit) return this.#entries.length
    const oldest = this.#transient.values().next().value!
    this.#ids.delete(this.#entries[oldest]!.key)
    return oldest
  }
}
