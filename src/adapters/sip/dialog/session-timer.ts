import type { Clock } from '../../../core/types.ts'
import type { HeaderList } from '../message/header-list.ts'
import { parseParams } from '../message/params.ts'
import type { ExtraHeaders } from '../message/types.ts'
import type { SessionTimerOptions } from '../signalling.ts'

/** What both sides agreed on (RFC 4028). `uac` is the sender of the request that it was agreed with. */
export interface SessionInterval {
  readonly seconds: number
  readonly refresher: 'uac' | 'uas'
}

/** Least that the RFC allows. */
const leastSeconds = 90

const seconds = (value: string | undefined): number | undefined => {
  const match = /^\s*(\d{1,9})/.exec(value ?? '')
  return match === null ? undefined : Number(match[1])
}

const refresherOf = (value: string): 'uac' | 'uas' | undefined => {
  const semicolon = value.indexOf(';')
  const refresher =
    semicolon < 0
      ? undefined
      : parseParams(value.slice(semicolon + 1))
          .get('refresher')
          ?.toLowerCase()
  return refresher === 'uac' || refresher === 'uas' ? refresher : undefined
}

/** Min-SE of a message, in seconds. */
export const minimumOf = (headers: HeaderList): number =>
  Math.max(leastSeconds, seconds(headers.get('min-se')) ?? 0)

/** Session-Expires and Min-SE of a request of ours; `keep` says who refreshes already. */
export const askForTimer = (
  { expiresS, minimumS }: SessionTimerOptions,
  keep?: SessionInterval['refresher'],
): ExtraHeaders =>
  expiresS === 0
    ? {}
    : {
        'Session-Expires': `${Math.max(expiresS, minimumS)}${keep === undefined ? '' : `;refresher=${keep}`}`,
        'Min-SE': String(minimumS),
      }

/** Whether the peer's wish must be answered 422: it knows the extension, and wants it shorter than we do (RFC 4028 9). */
export const isTooShort = (headers: HeaderList, { minimumS }: SessionTimerOptions): boolean => {
  const wanted = seconds(headers.get('session-expires'))
  return wanted !== undefined && wanted < minimumS && headers.names('supported', 'timer')
}

/** What our 2xx grants: the peer's wish up to ours, refreshed by whom it names, else by us (RFC 4028 9, table 2). */
export const grantTimer = (
  headers: HeaderList,
  options: SessionTimerOptions,
): SessionInterval | undefined => {
  const asked = headers.get('session-expires')
  const wanted = seconds(asked)
  if (options.expiresS === 0 && wanted === undefined) return undefined
  const most = options.expiresS === 0 ? (wanted ?? 0) : options.expiresS
  const granted = Math.max(Math.min(wanted ?? most, most), options.minimumS, minimumOf(headers))
  const knows = headers.names('supported', 'timer')
  const named = asked === undefined ? undefined : refresherOf(asked)
  return { seconds: granted, refresher: knows && named === 'uac' ? 'uac' : 'uas' }
}

/** How it is written into a 2xx. */
export const grantHeaders = (granted: SessionInterval | undefined): ExtraHeaders =>
  granted === undefined
    ? {}
    : {
        'Session-Expires': `${granted.seconds};refresher=${granted.refresher}`,
        ...(granted.refresher === 'uac' ? { Require: 'timer' } : undefined),
      }

/** What a 2xx to a request of ours grants; undefined: the session never expires. */
export const grantedTimer = (headers: HeaderList): SessionInterval | undefined => {
  const value = headers.get('session-expires')
  const interval = seconds(value)
  if (interval === undefined || interval === 0) return undefined
  return { seconds: interval, refresher: refresherOf(value!) ?? 'uac' }
}

/** Refreshes at half the interval, or waits for the peer to, and gives up a little before the end (RFC 4028 10). */
export class SessionTimer {
  readonly #clock: Clock
  readonly #refresh: () => void
  readonly #expire: () => void
  #cancelRefresh: () => void = () => undefined
  #cancelExpiry: () => void = () => undefined

  constructor(clock: Clock, refresh: () => void, expire: () => void) {
    this.#clock = clock
    this.#refresh = refresh
    this.#expire = expire
  }

  /** Begins anew; without an interval it stands still. */
  start(interval: SessionInterval | undefined, weRefresh: boolean): void {
    this.stop()
    if (interval === undefined) return
    const { seconds: length } = interval
    const margin = Math.min(32, length / 3)
    if (weRefresh) this.#cancelRefresh = this.#clock.after((length / 2) * 1e6, this.#refresh)
    this.#cancelExpiry = this.#clock.after((length - margin) * 1e6, this.#expire)
  }

  /** A refresh failed for now: once more after `delayS`, unless the session expires before. */
  retry(delayS: number): void {
    this.#cancelRefresh()
    this.#cancelRefresh = this.#clock.after(delayS * 1e6, this.#refresh)
  }

  stop(): void {
    this.#cancelRefresh()
    this.#cancelExpiry()
  }
}
