/** One address of record, kept registered: asked for, renewed, tried again, given back. */
import { newCallId, newTag } from '../message/tokens.ts'
import type { NameAddr, SipUri } from '../message/types.ts'
import type { RequestResult } from '../request.ts'
import { minExpires, readAccepted, retryAfter } from './accepted.ts'
import { failureOf } from './failure.ts'
import { keepAlive } from './keep-alive.ts'
import { contactTowards, formerBinding, type Seen, seenElsewhere } from './own-contact.ts'
import { refreshDelayMs, retryDelayMs } from './pace.ts'
import { hopOf, registerRequest } from './register-request.ts'
import type { RegisteredAccount, RegistrationParts, RegistrationState, RegistrationStatus } from './types.ts'

/** A longer life and a new address are asked for at once, but not for ever. */
const MAX_AT_ONCE = 3
const US_PER_S = 1_000_000

export class Registration {
  readonly account: RegisteredAccount
  readonly #parts: RegistrationParts
  readonly #callId = newCallId()
  readonly #tag = newTag()
  #cseq = 0
  #state: RegistrationState = 'unregistered'
  #expiresAt: number | undefined
  #nextTryAt: number | undefined
  #error: string | undefined
  #code: number | undefined
  #expiresS: number
  /** What the registrar has. */
  #bound: NameAddr | undefined
  #seen: Seen | undefined
  #serviceRoute: readonly SipUri[] = []
  #attempts = 0
  #failures = 0
  #failuresInRow = 0
  #atOnce = 0
  #closed = false
  #asking: Promise<void> = Promise.resolve()
  #cancelNext: () => void = () => undefined
  #cancelExpiry: () => void = () => undefined
  #cancelKeepAlive: () => void = () => undefined

  constructor(account: RegisteredAccount, parts: RegistrationParts) {
    this.account = account
    this.#parts = parts
    this.#expiresS = account.expiresS
  }

  get status(): RegistrationStatus {
    const { host, port } = this.#seen ?? {}
    return {
      name: this.account.name,
      state: this.#state,
      expiresAt: this.#expiresAt,
      nextTryAt: this.#nextTryAt,
      error: this.#error,
      code: this.#code,
      seenAs: host === undefined ? undefined : `${host}:${port}`,
      attempts: this.#attempts,
      failures: this.#failures,
    }
  }

  /** Loose routes for requests through the account: its proxy, then what the registrar asks for. */
  get route(): readonly SipUri[] {
    const { proxy } = this.account
    const isProxy = ({ host, port }: SipUri): boolean => host === proxy?.host && port === proxy.port
    return [...(proxy === undefined ? [] : [proxy]), ...this.#serviceRoute.filter(hop => !isProxy(hop))]
  }

  start(): void {
    if (this.#state !== 'unregistered' || this.#closed) return
    this.#state = 'registering'
    this.#ask()
  }

  /** Gives the binding back; resolves with the answer, or when nobody has answered for `graceMs`. */
  async close(graceMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelTimers()
    const { clock } = this.#parts
    const late = new Promise<void>(resolve => clock.after(graceMs * 1000, resolve))
    await Promise.race([this.#asking.then(() => this.#unregister()), late])
    this.#expiresAt = undefined
    this.#nextTryAt = undefined
    this.#become('unregistered')
  }

  #ask(): void {
    this.#cancelNext()
    this.#nextTryAt = undefined
    this.#asking = this.#register()
  }

  async #register(): Promise<void> {
    this.#attempts++
    try {
      const { signalling } = this.#parts
      const [target] = await signalling.locate(hopOf(this.account))
      const contact = contactTowards(signalling, target, this.account.uri.user, this.#seen)
      const result = await this.#send(contact, this.#expiresS, formerBinding(this.#bound, contact))
      this.#answered(result, contact)
    } catch (error) {
      this.#failed(503, error instanceof Error ? error.message : String(error), undefined)
    }
  }

  async #unregister(): Promise<void> {
    if (this.#bound !== undefined) await this.#send(this.#bound, 0, undefined)
  }

  async #send(contact: NameAddr, expiresS: number, former: NameAddr | undefined): Promise<RequestResult> {
    const dialog = { callId: this.#callId, tag: this.#tag, cseq: this.#cseq + 1 }
    const request = registerRequest(this.account, { contact, expiresS, former }, dialog)
    const result = await this.#parts.signalling.request(request)
    this.#cseq = result.cseq
    return result
  }

  #answered(result: RequestResult, contact: NameAddr): void {
    const { response } = result
    this.#code = response.code
    if (response.code >= 200 && response.code < 300) {
      this.#accepted(result, contact)
      return
    }
    const longer = response.code === 423 ? minExpires(response) : undefined
    if (longer !== undefined && longer > this.#expiresS && this.#mayAtOnce()) {
      this.#expiresS = longer
      this.#ask()
      return
    }
    const { credentials } = this.account
    const error = failureOf(result, hopOf(this.account).host, credentials !== undefined)
    this.#failed(response.code, error, retryAfter(response))
  }

  #mayAtOnce(): boolean {
    return !this.#closed && this.#atOnce++ < MAX_AT_ONCE
  }

  #accepted(result: RequestResult, contact: NameAddr): void {
    const { expiresS, serviceRoute } = readAccepted(result.response, contact, this.#expiresS)
    if (expiresS === 0) {
      this.#failed(result.response.code, 'the registrar accepts, but holds no binding of ours', undefined)
      return
    }
    const isNews = this.#state !== 'registered' || this.#error !== undefined
    this.#bound = contact
    this.#serviceRoute = serviceRoute
    this.#expiresAt = this.#parts.clock.wall() + expiresS * US_PER_S
    this.#error = undefined
    this.#failuresInRow = 0
    if (this.#closed) return
    if (this.#moved(result, contact) && this.#mayAtOnce()) {
      this.#ask()
      return
    }
    this.#atOnce = 0
    this.#cancelExpiry()
    this.#keepAlive(result)
    this.#askIn(refreshDelayMs(expiresS, this.#parts.random()))
    this.#become('registered')
    const fields = { account: this.account.name, expiresS }
    if (isNews) this.#parts.log.info(fields, `sip account ${this.account.name} is registered`)
  }

  /** Behind a NAT the address that the registrar sees is the one to be called at, in the calls too. */
  #moved({ response, source }: RequestResult, contact: NameAddr): boolean {
    const seen = seenElsewhere(response, source, contact)
    if (seen === undefined || source === undefined) return false
    this.#seen = seen
    this.#parts.signalling.learn(source.ip, seen)
    return true
  }

  #keepAlive({ source }: RequestResult): void {
    this.#cancelKeepAlive()
    if (source === undefined) return
    const { signalling, clock } = this.#parts
    this.#cancelKeepAlive = keepAlive(signalling, clock, source, hopOf(this.account).host)
  }

  #failed(code: number, error: string, retryAfterS: number | undefined): void {
    this.#code = code
    this.#failures++
    this.#failuresInRow++
    if (this.#closed) return
    const { clock, log, random } = this.#parts
    const isTransient = code === 408 || (code >= 500 && code < 600)
    const holds = isTransient && this.#expiresAt !== undefined && this.#expiresAt > clock.wall()
    if (!holds) this.#lose()
    this.#error = error
    const delayMs = retryDelayMs(code, this.#failuresInRow, retryAfterS, random())
    this.#askIn(delayMs)
    if (holds) this.#expire()
    this.#become(holds ? 'registered' : 'failed')
    const { name } = this.account
    log.warn({ account: name, code, nextTryMs: delayMs }, `sip account ${name} is not registered: ${error}`)
  }

  /** What holds yet ends by itself when no try succeeds before. */
  #expire(): void {
    const { clock } = this.#parts
    this.#cancelExpiry()
    this.#cancelExpiry = clock.after((this.#expiresAt ?? 0) - clock.wall(), () => {
      this.#lose()
      this.#become('failed')
    })
  }

  #lose(): void {
    this.#expiresAt = undefined
    this.#bound = undefined
    this.#serviceRoute = []
    this.#cancelKeepAlive()
    this.#cancelExpiry()
  }

  #askIn(delayMs: number): void {
    const { clock } = this.#parts
    this.#cancelNext()
    this.#nextTryAt = clock.wall() + delayMs * 1000
    this.#cancelNext = clock.after(delayMs * 1000, () => this.#ask())
  }

  #become(state: RegistrationState): void {
    this.#state = state
    this.#parts.changed(this.status)
  }

  #cancelTimers(): void {
    this.#cancelNext()
    this.#cancelExpiry()
    this.#cancelKeepAlive()
  }
}
