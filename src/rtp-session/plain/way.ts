/** Where an endpoint sends: two addresses of the pool, kept for as long as they are in use. */
import type { AddressId, UdpAddress, UdpPool } from '../../native/types.ts'

const NOWHERE = -1

export class Way {
  readonly #pool: UdpPool
  #id: AddressId = NOWHERE
  #address: UdpAddress | undefined

  constructor(pool: UdpPool) {
    this.#pool = pool
  }

  get id(): AddressId {
    return this.#id
  }

  get address(): UdpAddress | undefined {
    return this.#address
  }

  get isKnown(): boolean {
    return this.#id !== NOWHERE
  }

  /** true: it is another one than before. */
  lead(to: UdpAddress | undefined): boolean {
    if (to?.ip === this.#address?.ip && to?.port === this.#address?.port) return false
    const before = this.#id
    this.#id = to === undefined ? NOWHERE : this.#pool.intern(to.ip, to.port)
    this.#address = to
    if (this.#id !== NOWHERE) this.#pool.retain(this.#id)
    if (before !== NOWHERE) this.#pool.release(before)
    return true
  }
}
