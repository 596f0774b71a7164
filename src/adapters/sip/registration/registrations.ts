/** All registrations of a gateway. */
import type { SipAccount } from '../config/account.ts'
import { noParams } from '../message/params.ts'
import type { SipUri } from '../message/types.ts'
import { parseUri } from '../message/uri.ts'
import { Registration } from './registration.ts'
import type { RegisteredAccount, RegistrationParts, RegistrationStatus } from './types.ts'

const uriOf = (text: string): SipUri =>
  parseUri(text) ?? { scheme: 'sip', user: '', host: 'invalid', params: noParams }

/** A proxy is passed through, not called: loose routing (RFC 3261 16.12). */
const proxyOf = (text: string): SipUri => {
  const { headers: _, ...uri } = uriOf(text)
  return { ...uri, user: '', params: new Map(uri.params).set('lr', '') }
}

/** As the configuration says it, ready to be used. */
export const registeredAccount = (name: string, account: SipAccount): RegisteredAccount => {
  const uri = uriOf(account.uri)
  const { password, user, proxy, expiresS } = account
  return {
    name,
    uri,
    credentials: password === undefined ? undefined : { user: user ?? uri.user, password: password.reveal() },
    proxy: proxy === undefined ? undefined : proxyOf(proxy),
    expiresS,
  }
}

export class Registrations {
  readonly #all: ReadonlyMap<string, Registration>

  constructor(accounts: Readonly<Record<string, SipAccount>>, parts: RegistrationParts) {
    this.#all = new Map(
      Object.entries(accounts).map(([name, account]) => [
        name,
        new Registration(registeredAccount(name, account), parts),
      ]),
    )
  }

  start(): void {
    for (const registration of this.#all.values()) registration.start()
  }

  get statuses(): readonly RegistrationStatus[] {
    return [...this.#all.values()].map(({ status }) => status)
  }

  statusOf(name: string): RegistrationStatus | undefined {
    return this.#all.get(name)?.status
  }

  /** Loose routes for calls through the account; undefined: there is no such registration. */
  routeOf(name: string): readonly SipUri[] | undefined {
    return this.#all.get(name)?.route
  }

  /** Gives all bindings back, at the same time. */
  async close(graceMs: number): Promise<void> {
    await Promise.all([...this.#all.values()].map(registration => registration.close(graceMs)))
  }
}
