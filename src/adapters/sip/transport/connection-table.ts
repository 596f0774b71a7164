import type { Target, TransportKind } from '../addresses.ts'
import type { Flow } from './flow.ts'

/** A connection that can be ended from our side. */
export interface ClosableFlow extends Flow {
  /** Whom its certificate was checked to be; undefined for one that was not, as of those that came in. */
  readonly verified?: string | undefined
  close(reason: string): void
}

const keyOf = (transport: TransportKind, ip: string, port: number): string => `${transport} ${ip} ${port}`

/** Connections by their far end, so that requests to it reuse them; bounded in total and for each address. */
export class ConnectionTable {
  readonly #max: number
  readonly #maxPerSource: number
  readonly #byPeer = new Map<string, ClosableFlow>()
  readonly #perSource = new Map<string, number>()

  constructor(max: number, maxPerSource: number) {
    this.#max = max
    this.#maxPerSource = maxPerSource
  }

  get size(): number {
    return this.#byPeer.size
  }

  /** Why one more from there is one too many. */
  refusal(ip: string): string | undefined {
    if (this.#byPeer.size >= this.#max) return `all ${this.#max} connections are taken`
    const here = this.#perSource.get(ip) ?? 0
    return here >= this.#maxPerSource ? `${here} connections from one address` : undefined
  }

  add(flow: ClosableFlow): void {
    this.#byPeer.set(keyOf(flow.transport, flow.ip, flow.port), flow)
    this.#perSource.set(flow.ip, (this.#perSource.get(flow.ip) ?? 0) + 1)
  }

  remove(flow: Flow): void {
    const key = keyOf(flow.transport, flow.ip, flow.port)
    if (this.#byPeer.get(key) !== flow) return
    this.#byPeer.delete(key)
    const left = (this.#perSource.get(flow.ip) ?? 1) - 1
    if (left > 0) this.#perSource.set(flow.ip, left)
    else this.#perSource.delete(flow.ip)
  }

  /** An open connection to the target; a secure one only when it was checked for the target's name (RFC 5922). */
  find({ transport, ip, port, name }: Target): Flow | undefined {
    const flow = this.#byPeer.get(keyOf(transport, ip, port))
    const trusted = transport === 'tcp' || transport === 'ws' || flow?.verified === name
    return flow?.open && trusted ? flow : undefined
  }

  closeAll(reason: string): void {
    for (const flow of [...this.#byPeer.values()]) flow.close(reason)
  }
}
