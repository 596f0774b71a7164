/** The endpoints of one adapter over one pool of sockets. */
import type { Clock } from '../../core/types.ts'
import type { Native, PacedSender, PoolBatch, PoolSocketId, UdpPool } from '../../native/types.ts'
import { POOL_SLOT_MASK } from '../../native/types.ts'
import { Slab } from '../slab.ts'
import { Endpoint } from './endpoint.ts'
import { Outlet } from './outlet.ts'
import { closePair, openPair, type PortPair } from './port-pair.ts'
import { SendBatch } from './send-batch.ts'
import type { RtpEndpoint, RtpEndpointOptions, RtpPorts } from './types.ts'

export interface RtpPortsOptions {
  readonly native: Pick<Native, 'createSrtp' | 'createUdpPool' | 'createPacedSender'>
  readonly clock: Clock
}

class Ports implements RtpPorts {
  readonly #options: RtpPortsOptions
  readonly #slab = new Slab()
  readonly #endpoints = new Set<Endpoint>()
  /** By socket index: whose it is, and whether it is its second. */
  readonly #owners: (Endpoint | undefined)[] = []
  readonly #isSecond: number[] = []
  readonly #pool: UdpPool
  readonly #batch: SendBatch
  #paced: PacedSender | undefined

  constructor(options: RtpPortsOptions) {
    this.#options = options
    this.#pool = options.native.createUdpPool()
    this.#batch = new SendBatch(this.#pool)
    this.#pool.onBatch(batch => this.#read(batch))
  }

  get size(): number {
    return this.#endpoints.size
  }

  open(options: RtpEndpointOptions): RtpEndpoint {
    const { native, clock } = this.#options
    const pool = this.#pool
    const pair = openPair(pool, options)
    const maxWaiting = options.outgoing?.maxWaiting
    const outlet = new Outlet({
      native,
      pool,
      pair,
      batch: this.#batch,
      paced: () => this.#sender,
      maxWaiting,
    })
    const endpoint = new Endpoint(options, {
      clock,
      pool,
      pair,
      slab: this.#slab,
      outlet,
      onClose: () => this.#forget(endpoint, pair),
    })
    this.#endpoints.add(endpoint)
    this.#own(pair.rtp, endpoint, 0)
    if (pair.rtcp !== undefined) this.#own(pair.rtcp, endpoint, 1)
    return endpoint
  }

  close(reason: string): void {
    for (const endpoint of [...this.#endpoints]) endpoint.close(reason)
    this.#paced?.close()
    this.#pool.close()
  }

  get #sender(): PacedSender {
    this.#paced ??= this.#options.native.createPacedSender(this.#pool)
    return this.#paced
  }

  #own(socket: PoolSocketId, endpoint: Endpoint | undefined, second: number): void {
    this.#owners[socket & POOL_SLOT_MASK] = endpoint
    this.#isSecond[socket & POOL_SLOT_MASK] = second
  }

  #forget(endpoint: Endpoint, pair: PortPair): void {
    this.#endpoints.delete(endpoint)
    this.#own(pair.rtp, undefined, 0)
    if (pair.rtcp !== undefined) this.#own(pair.rtcp, undefined, 0)
    closePair(this.#pool, pair)
  }

  #read(batch: PoolBatch): void {
    const { slab, offsets, lengths, from, sockets, arrivedUs } = batch
    for (let index = 0; index < batch.count; index++) {
      const socket = sockets[index]!
      if (socket < 0) continue
      const slot = socket & POOL_SLOT_MASK
      const [offset, length] = [offsets[index]!, lengths[index]!]
      this.#owners[slot]?.datagram(
        slab,
        offset,
        length,
        from[index]!,
        arrivedUs[index]!,
        this.#isSecond[slot]!,
      )
    }
  }
}

/** Opens nothing yet. The sending thread begins with the first packet that has a time to leave at. */
export const createRtpPorts = (options: RtpPortsOptions): RtpPorts => new Ports(options)
