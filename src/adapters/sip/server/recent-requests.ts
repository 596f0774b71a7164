import { hash } from 'node:crypto'
import type { Clock } from '../../../core/types.ts'
import type { SipRequest } from '../message/types.ts'

interface Entry<Ruling> {
  readonly ruling: Ruling
  left: number
}

/** Nothing is sent again later than this (64 T1, RFC 3261 17.1). */
const holdsUs = 32_000_000
/** What is sent again more often is no retransmission (timer E: 11 times in 32 s). */
const mostCopies = 11
const maxEntries = 4000

/** A copy is the same to the letter: what differs in one header would be as many requests for the price of one. */
export const copyKey = ({ method, rawUri, headers }: SipRequest, ip: string): string =>
  hash('sha256', [ip, method, rawUri, ...[...headers].flat()].join('\n'), 'base64')

/** What was ruled about requests that were answered without a transaction: a copy is no new request. */
export class RecentRequests<Ruling> {
  readonly #clock: Clock
  #newer = new Map<string, Entry<Ruling>>()
  #older = new Map<string, Entry<Ruling>>()
  #turnAtUs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#turnAtUs = clock.now() + holdsUs
  }

  /** undefined: it is new, or sent too often. */
  find(key: string): Ruling | undefined {
    const entry = this.#newer.get(key) ?? this.#older.get(key)
    return entry !== undefined && entry.left-- > 0 ? entry.ruling : undefined
  }

  add(key: string, ruling: Ruling): void {
    const now = this.#clock.now()
    if (now >= this.#turnAtUs || this.#newer.size >= maxEntries) {
      this.#older = this.#newer
      this.#newer = new Map()
      this.#turnAtUs = now + holdsUs
    }
    this.#newer.set(key, { ruling, left: mostCopies })
  }
}
