/** The calls that are there and the last that ended, and how many there may be. */
import { GatewayError } from '../../errors.ts'
import { plainAddress } from '../../net/networks.ts'
import type { CallInfo } from '../call-desk.ts'
import type { Call } from './calls/call.ts'
import type { SipConfig } from './config.ts'
import { type Calling, judgeCall, routeName } from './dial-plan.ts'

/** Ended calls are kept this many, so that their end can be read. */
const REMEMBERED = 100

export class CallList {
  readonly #config: SipConfig
  readonly #running = new Map<string, Call>()
  readonly #past = new Map<string, CallInfo>()

  constructor(config: SipConfig) {
    this.#config = config
  }

  get size(): number {
    return this.#running.size
  }

  values(): IterableIterator<Call> {
    return this.#running.values()
  }

  add(call: Call): void {
    this.#running.set(call.id, call)
    void call.done.then(info => {
      this.#running.delete(call.id)
      this.#past.set(call.id, info)
      if (this.#past.size > REMEMBERED) this.#past.delete(this.#past.keys().next().value!)
    })
  }

  /** @throws GatewayError 'not-found', 'closed' */
  get(id: string): Call {
    const call = this.#running.get(id)
    if (call !== undefined) return call
    if (this.#past.has(id)) throw new GatewayError('closed', `call ${id} has ended`)
    throw new GatewayError('not-found', `no call has the id ${id.slice(0, 32)}`)
  }

  infos(): readonly CallInfo[] {
    return [...[...this.#running.values()].map(({ info }) => info), ...[...this.#past.values()].reverse()]
  }

  info(id: string): CallInfo | undefined {
    return this.#running.get(id)?.info ?? this.#past.get(id)
  }

  hasPeer(ip: string): boolean {
    for (const call of this.#running.values()) if (plainAddress(call.about.peerIp) === ip) return true
    return false
  }

  ofAccount(name: string): number {
    return this.#count(call => call.about.account === name)
  }

  /** What one more call of ours would break. @throws GatewayError 'busy' */
  admitOwn(account: string | undefined): void {
    const { calls } = this.#config.limits
    if (this.#running.size >= calls) throw new GatewayError('busy', `sip.limits.calls is ${calls}`)
    const detail = account && this.#accountFull(account, true)
    if (detail !== undefined) throw new GatewayError('busy', detail)
  }

  /**
   * What one more call would break; of whom it is proven where it is, those that may be forged do not count. 486 what belongs to whoever is called, 503 what is the gateway's.
   */
  full(calling: Calling): { readonly code: 486 | 503; readonly detail: string } | undefined {
    const { calls, callsPerSource } = this.#config.limits
    if (this.#running.size >= calls) return { code: 503, detail: `sip.limits.calls is ${calls}` }
    const { remote, account, isProven = false } = calling
    if (this.#count(call => call.about.peerIp === remote, isProven) >= callsPerSource)
      return { code: 503, detail: `sip.limits.callsPerSource is ${callsPerSource}` }
    const detail = (account && this.#accountFull(account, isProven)) ?? this.#routeFull(calling)
    return detail === undefined ? undefined : { code: 486, detail }
  }

  #accountFull(name: string, isProven: boolean): string | undefined {
    const { accounts, trunks } = this.#config
    const most = (accounts[name] ?? trunks[name])?.maxCalls
    const count = this.#count(call => call.about.account === name, isProven)
    return most !== undefined && count >= most ? `${name} has ${most} calls` : undefined
  }

  #routeFull(calling: Calling): string | undefined {
    const verdict = judgeCall(this.#config.routes, calling)
    const route = verdict.outcome === 'admitted' ? verdict.route : undefined
    if (route?.maxCalls === undefined) return undefined
    // By its name: a reload makes new rules of the same text.
    const name = routeName(route)
    const count = this.#count(({ about }) => about.routeName === name, calling.isProven)
    return count >= route.maxCalls ? `the rule has ${route.maxCalls} calls` : undefined
  }

  #count(fits: (call: Call) => boolean, onlyProven = false): number {
    let count = 0
    for (const call of this.#running.values()) if (fits(call) && (call.isProven || !onlyProven)) count++
    return count
  }
}
