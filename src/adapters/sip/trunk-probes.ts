/** Whether trunks are there: asked by OPTIONS from time to time, as `optionsEveryS` says (RFC 3261 11). */
import type { Clock } from '../../core/types.ts'
import type { SipTrunk } from './config/account.ts'
import { noParams } from './message/params.ts'
import type { SipUri } from './message/types.ts'
import { parseUri } from './message/uri.ts'
import type { Signalling } from './signalling.ts'

export interface TrunkProbesParts {
  readonly trunks: Readonly<Record<string, SipTrunk>>
  readonly clock: Pick<Clock, 'after'>
  readonly signalling: Pick<Signalling, 'request'>
  readonly routeThrough: (name: string) => readonly SipUri[]
  /** A trunk has gone, with the reason, or is back. */
  readonly changed: (name: string) => void
}

export class TrunkProbes {
  readonly #parts: TrunkProbesParts
  readonly #errors = new Map<string, string>()
  readonly #cancels = new Map<string, () => void>()

  constructor(parts: TrunkProbesParts) {
    this.#parts = parts
    for (const [name, trunk] of Object.entries(parts.trunks))
      if (trunk.optionsEveryS > 0) void this.#probe(name, trunk)
  }

  /** Why the trunk did not answer the last time; undefined: it did, or is not asked. */
  errorOf(name: string): string | undefined {
    return this.#errors.get(name)
  }

  close(): void {
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
  }

  /** Any answer of its own shows that it is there; 408 and 503 are made up where there is none. */
  async #probe(name: string, trunk: SipTrunk): Promise<void> {
    const { clock, signalling, routeThrough } = this.#parts
    this.#cancels.set(
      name,
      clock.after(trunk.optionsEveryS * 1e6, () => void this.#probe(name, trunk)),
    )
    const uri = parseUri(trunk.uri)
    if (uri === undefined) return
    const from = { display: '', uri, params: noParams }
    const route = routeThrough(name)
    const { response, source } = await signalling.request({
      ...{ method: 'OPTIONS', uri: { ...uri, user: '' }, from },
      ...(route.length > 0 && { route }),
    })
    this.#note(
      name,
      source === undefined ? `no answer to OPTIONS: ${response.code} ${response.reason}` : undefined,
    )
  }

  #note(name: string, error: string | undefined): void {
    if (error === this.#errors.get(name) || !this.#cancels.has(name)) return
    if (error === undefined) this.#errors.delete(name)
    else this.#errors.set(name, error)
    this.#parts.changed(name)
  }
}
