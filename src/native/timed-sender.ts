import { Lateness } from './lateness.ts'
import type {
  AddressId,
  PacedSender,
  PacedStats,
  PacedStreamId,
  PoolSocketId,
  UdpAddress,
  UdpPool,
} from './types.ts'

const DEFAULT_MAX_PACKETS = 100
const LATE_US = 5000
/** Packets due so soon leave with those that are due. */
const GRAIN_US = 500

interface Target {
  readonly socket: PoolSocketId
  /** Not its id: nobody retains that while packets wait. */
  readonly address: UdpAddress
}

interface Packet {
  readonly dueUs: number
  readonly target: Target
  readonly bytes: Uint8Array
}

interface Stream {
  target: Target
  readonly maxPackets: number
  readonly packets: Packet[]
}

const nowUs = (): number => performance.now() * 1000

/** The PacedSender of systems where the addon has no thread for it: timers, so a busy event loop delays packets. */
class TimedSender implements PacedSender {
  readonly #pool: UdpPool
  readonly #streams = new Map<PacedStreamId, Stream>()
  readonly #lateness = new Lateness()
  readonly #counters = { sent: 0, late: 0, refusedFull: 0, flushed: 0, refusedByKernel: 0 }
  #nextId = 0
  #timer: NodeJS.Timeout | undefined
  #wakeAtUs = Infinity
  #open = true

  constructor(pool: UdpPool) {
    this.#pool = pool
  }

  /** Throws when the socket or the address is not there. */
  #targetOf(socket: PoolSocketId, to: AddressId): Target {
    this.#pool.addressOfSocket(socket)
    return { socket, address: this.#pool.addressOf(to) }
  }

  add(socket: PoolSocketId, to: AddressId, maxPackets = DEFAULT_MAX_PACKETS): PacedStreamId {
    const target = this.#targetOf(socket, to)
    this.#streams.set(this.#nextId, { target, maxPackets: Math.max(maxPackets, 1), packets: [] })
    return this.#nextId++
  }

  retarget(id: PacedStreamId, socket: PoolSocketId, to: AddressId): boolean {
    const target = this.#targetOf(socket, to)
    const stream = this.#streams.get(id)
    if (stream === undefined) return false
    stream.target = target
    return true
  }

  queue(id: PacedStreamId, dueUs: number, bytes: Uint8Array): boolean {
    const stream = this.#streams.get(id)
    if (stream === undefined || !this.#open) return false
    if (stream.packets.length >= stream.maxPackets) {
      this.#counters.refusedFull++
      return false
    }
    const inOrderUs = Math.max(dueUs, stream.packets.at(-1)?.dueUs ?? dueUs)
    stream.packets.push({ dueUs: inOrderUs, target: stream.target, bytes: Uint8Array.from(bytes) })
    if (inOrderUs < this.#wakeAtUs) this.#wakeAt(inOrderUs)
    return true
  }

  #wakeAt(dueUs: number): void {
    clearTimeout(this.#timer)
    this.#wakeAtUs = dueUs
    if (dueUs === Infinity) return
    this.#timer = setTimeout(() => this.#sendDue(), Math.max(0, (dueUs - nowUs()) / 1000)).unref()
  }

  #sendDue(): void {
    const untilUs = nowUs() + GRAIN_US
    let nextUs = Infinity
    for (const { packets } of this.#streams.values()) {
      while (packets.length > 0 && packets[0]!.dueUs <= untilUs) this.#send(packets.shift()!)
      if (packets.length > 0) nextUs = Math.min(nextUs, packets[0]!.dueUs)
    }
    this.#wakeAt(nextUs)
  }

  #send({ dueUs, target, bytes }: Packet): void {
    const { ip, port } = target.address
    if (!this.#pool.send(target.socket, this.#pool.intern(ip, port), bytes)) {
      this.#counters.refusedByKernel++
      return
    }
    const lateUs = nowUs() - dueUs
    this.#counters.sent++
    this.#lateness.add(lateUs)
    if (lateUs > LATE_US) this.#counters.late++
  }

  flush(id: PacedStreamId): number {
    const dropped = this.#streams.get(id)?.packets.splice(0).length ?? 0
    this.#counters.flushed += dropped
    return dropped
  }

  queued(id: PacedStreamId): number {
    return this.#streams.get(id)?.packets.length ?? 0
  }

  remove(id: PacedStreamId): void {
    this.flush(id)
    this.#streams.delete(id)
  }

  stats(): PacedStats {
    return {
      ...this.#counters,
      latenessP50Us: this.#lateness.quantileUs(0.5),
      latenessP99Us: this.#lateness.quantileUs(0.99),
      latenessMaxUs: this.#lateness.maxUs,
    }
  }

  close(): void {
    this.#open = false
    this.#wakeAt(Infinity)
  }
}

export const createTimedSender = (pool: UdpPool): PacedSender => new TimedSender(pool)
