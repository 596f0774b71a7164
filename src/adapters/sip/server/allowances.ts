/** How many new requests each may send. What can be forged never uses up what cannot. */
import type { Clock } from '../../../core/types.ts'
import type { DigestServer } from '../digest/server.ts'
import type { SipRequest } from '../message/types.ts'
import type { Allowance, SignallingLimits, SignallingOptions } from '../signalling.ts'
import { sourceOf } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import { copyKey, RecentRequests } from './recent-requests.ts'
import { type RateRuling, SourceRates } from './source-rates.ts'

/** So many times more may be asked for a signature than let in: it costs as little as any other answer. */
const asksPerRequest = 10

/** What shows that a request comes from where it says: an address of UDP is only written there. */
type Proof = 'connection' | 'nonce' | 'address'

export interface AllowancesParts {
  readonly clock: Clock
  readonly digest: Pick<DigestServer, 'wasGivenTo'>
  readonly limits: Pick<SignallingLimits, 'requestsPerSecond' | 'burst'>
  readonly allowanceOf: SignallingOptions['allowanceOf']
}

export class Allowances {
  readonly #parts: AllowancesParts
  /** Each of its own size: a flood of one kind drives none of the others out. */
  readonly #rates: Readonly<Record<Proof | 'ask' | 'malformed', SourceRates>>
  readonly #recent: RecentRequests<RateRuling>

  constructor(parts: AllowancesParts) {
    this.#parts = parts
    const rates = (): SourceRates => new SourceRates(parts.clock)
    this.#rates = {
      ...{ connection: rates(), nonce: rates(), address: rates() },
      ...{ ask: rates(), malformed: rates() },
    }
    this.#recent = new RecentRequests(parts.clock)
  }

  get size(): number {
    return Object.values(this.#rates).reduce((sum, { size }) => sum + size, 0)
  }

  /** Over UDP what is sent again does not count. */
  admit(request: SipRequest, flow: Flow): RateRuling {
    const key = flow.reliable ? undefined : copyKey(request, flow.ip)
    const before = key && this.#recent.find(key)
    if (before) return before
    const allowance = this.#of(request, flow)
    const ruling = this.#rates[this.#proof(request, flow)].admit(allowance.of, allowance)
    if (key !== undefined) this.#recent.add(key, ruling)
    return ruling
  }

  /** One too many from an address that anybody may have written: may it be asked for more than its address? */
  mayAsk(request: SipRequest, flow: Flow): boolean {
    if (this.isProven(request, flow)) return false
    const { of, perSecond, burst } = this.#of(request, flow)
    const rate = { perSecond: asksPerRequest * perSecond, burst: asksPerRequest * burst }
    return this.#rates.ask.admit(of, rate) === 'admit'
  }

  admitMalformed({ ip }: Flow): boolean {
    return this.#rates.malformed.admit(ip, this.#usual(ip)) === 'admit'
  }

  /** Whether it comes from where it says: over UDP anybody may write any address. */
  isProven(request: SipRequest, flow: Flow): boolean {
    return this.#proof(request, flow) !== 'address'
  }

  /** Whose allowance it was, and how large that is. */
  describe(request: SipRequest, flow: Flow): string {
    const { of, perSecond } = this.#of(request, flow)
    return `more than ${perSecond} new requests a second of ${of}, shown by ${this.#proof(request, flow)}`
  }

  /** A connection stands for its address, and so does a nonce of ours that was sent there (RFC 7616 5.8). */
  #proof(request: SipRequest, { reliable, ip }: Flow): Proof {
    if (reliable) return 'connection'
    return this.#parts.digest.wasGivenTo(request, ip) ? 'nonce' : 'address'
  }

  #of(request: SipRequest, flow: Flow): Allowance {
    return this.#parts.allowanceOf?.(request, sourceOf(flow)) ?? this.#usual(flow.ip)
  }

  #usual(ip: string): Allowance {
    const { requestsPerSecond, burst } = this.#parts.limits
    return { of: ip, perSecond: requestsPerSecond, burst }
  }
}
