/** What is sent at once in one turn of the event loop, by all endpoints of one pool, leaves in one call. */
import { type AddressId, POOL_SEND_FIELDS, type PoolSocketId, type UdpPool } from '../../native/types.ts'

const MAX_SENDS = 512
/** A datagram of the largest size, what encryption adds to it, and many of the usual size. */
const SLAB_BYTES = 256 * 1024

/** Told of each datagram of its own that did not leave. */
export interface Sending {
  unsent: number
}

export class SendBatch {
  /** Written from `end` on, with `room` for what is to come. */
  readonly bytes = new Uint8Array(SLAB_BYTES)
  end = 0
  /** How often all that was written has left. */
  flushes = 0
  readonly #pool: UdpPool
  readonly #sends = new Int32Array(MAX_SENDS * POOL_SEND_FIELDS)
  readonly #senders = new Array<Sending | undefined>(MAX_SENDS).fill(undefined)
  #count = 0

  constructor(pool: UdpPool) {
    this.#pool = pool
  }

  /** Makes room for so many bytes from `end` on. */
  room(length: number): void {
    if (this.end + length > SLAB_BYTES || this.#count === MAX_SENDS) this.flush()
  }

  /** The `length` bytes from `end` on are a datagram; they leave before the next turn of the event loop. */
  add(length: number, socket: PoolSocketId, to: AddressId, sender: Sending): void {
    if (this.#count === 0) queueMicrotask(this.#flush)
    const at = this.#count * POOL_SEND_FIELDS
    this.#sends[at] = socket
    this.#sends[at + 1] = to
    this.#sends[at + 2] = this.end
    this.#sends[at + 3] = length
    this.#senders[this.#count++] = sender
    this.end += length
  }

  /** Everything leaves now: before a socket is closed, or an address let go. */
  flush(): void {
    const count = this.#count
    this.flushes++
    this.#count = this.end = 0
    if (count > 0 && this.#pool.sendMany(this.bytes, this.#sends, count) < count) this.#tell(count)
  }

  readonly #flush = (): void => this.flush()

  #tell(count: number): void {
    for (let i = 0; i < count; i++) if (this.#sends[i * POOL_SEND_FIELDS] === -1) this.#senders[i]!.unsent++
  }
}
