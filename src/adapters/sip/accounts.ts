/** Registrations and trunks: how they are, by which a call came, and how calls leave through them. */
import type { Clock } from '../../core/types.ts'
import type { Logger } from '../adapter.ts'
import type { AccountInfo } from '../call-desk.ts'
import { AccountAddresses } from './account-addresses.ts'
import type { SipConfig } from './config.ts'
import type { SipUri } from './message/types.ts'
import { parseUri } from './message/uri.ts'
import { Registrations } from './registration/registrations.ts'
import type { RegistrationStatus } from './registration/types.ts'
import type { Signalling } from './signalling.ts'
import { TrunkProbes } from './trunk-probes.ts'

export interface AccountsParts {
  readonly config: SipConfig
  readonly clock: Clock
  readonly log: Logger
  readonly signalling: Signalling
  /** Calls through an account now. */
  readonly calls: (name: string) => number
  readonly changed: (account: AccountInfo) => void
}

/** Loose routing (RFC 3261 16.12): a proxy is passed through. */
const looseRoute = (proxy: string | undefined): readonly SipUri[] => {
  const uri = proxy === undefined ? undefined : parseUri(proxy)
  return uri === undefined ? [] : [{ ...uri, params: new Map(uri.params).set('lr', '') }]
}

export class Accounts {
  readonly #parts: AccountsParts
  readonly #addresses: AccountAddresses
  readonly #registrations: Registrations
  readonly #unfollow: () => void
  readonly #probes: TrunkProbes

  constructor(parts: AccountsParts) {
    const { config, clock, log, signalling } = parts
    this.#parts = parts
    this.#addresses = new AccountAddresses(config)
    this.#registrations = new Registrations(config.accounts, {
      ...{ signalling, clock, log },
      random: Math.random,
      changed: status => parts.changed(this.#registered(status)),
    })
    this.#unfollow = this.#addresses.follow(signalling, (us, run) => clock.after(us, run))
    this.#registrations.start()
    this.#probes = new TrunkProbes({
      ...{ trunks: config.trunks, clock, signalling },
      routeThrough: name => this.routeThrough(name),
      changed: name => parts.changed(this.#trunk(name)),
    })
  }

  /** By which of them a request came. */
  accountOf(remote: string, called: string): string | undefined {
    return this.#addresses.accountOf(remote, called)
  }

  /** Loose routes for calls through an account. */
  routeThrough(name: string): readonly SipUri[] {
    return this.#registrations.routeOf(name) ?? looseRoute(this.#parts.config.trunks[name]?.proxy)
  }

  infos(): readonly AccountInfo[] {
    const { trunks } = this.#parts.config
    return [
      ...this.#registrations.statuses.map(status => this.#registered(status)),
      ...Object.keys(trunks).map(name => this.#trunk(name)),
    ]
  }

  /** Gives the registrations back. */
  async close(graceMs: number): Promise<void> {
    this.#unfollow()
    this.#probes.close()
    await this.#registrations.close(graceMs)
  }

  #registered({ name, state, expiresAt, nextTryAt, error }: RegistrationStatus): AccountInfo {
    const { config, calls } = this.#parts
    const uri = config.accounts[name]?.uri ?? ''
    return { name, uri, state, expiresAt, nextTryAt, error, calls: calls(name) }
  }

  #trunk(name: string): AccountInfo {
    const { config, calls } = this.#parts
    const none = { expiresAt: undefined, nextTryAt: undefined, error: this.#probes.errorOf(name) }
    return { name, uri: config.trunks[name]!.uri, state: 'trunk', ...none, calls: calls(name) }
  }
}
