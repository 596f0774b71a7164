/** Registrations at PBXes and providers (RFC 3261 10) as their owner sees them. */
import type { Clock } from '../../../core/types.ts'
import type { Logger } from '../../adapter.ts'
import type { SipUri } from '../message/types.ts'
import type { Credentials } from '../request.ts'
import type { Signalling } from '../signalling.ts'

/** Whose calls are to come here. */
export interface RegisteredAccount {
  readonly name: string
  /** The address of record; its domain is where it is registered. */
  readonly uri: SipUri
  readonly credentials: Credentials | undefined
  /** An outbound proxy. */
  readonly proxy: SipUri | undefined
  /** Asked for, seconds. */
  readonly expiresS: number
}

export type RegistrationState = 'registering' | 'registered' | 'failed' | 'unregistered'

export interface RegistrationStatus {
  readonly name: string
  readonly state: RegistrationState
  /** Wall clock, microseconds; undefined: not registered. */
  readonly expiresAt: number | undefined
  /** Wall clock, microseconds, of the next REGISTER. */
  readonly nextTryAt: number | undefined
  /** Why the last try failed; undefined after one that did not. */
  readonly error: string | undefined
  /** Code of the last answer; 408 and 503 also when there was none. */
  readonly code: number | undefined
  /** Our address as the registrar sees it, `IP:PORT`, where it is another than that of the Contact. */
  readonly seenAs: string | undefined
  /** Counters only grow. */
  readonly attempts: number
  readonly failures: number
}

/** The part of signalling that registrations use. */
export type RegistrationSignalling = Pick<
  Signalling,
  'addresses' | 'request' | 'contact' | 'doorTowards' | 'locate' | 'learn' | 'keepAlive'
>

export interface RegistrationParts {
  readonly signalling: RegistrationSignalling
  readonly clock: Clock
  readonly log: Logger
  /** 0 to 1; spreads tries, so that not all of a gateway's accounts come at once. */
  readonly random: () => number
  /** After every change of state, error or end; never within a call of the owner's. */
  readonly changed: (status: RegistrationStatus) => void
}
