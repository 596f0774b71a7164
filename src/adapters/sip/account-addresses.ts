/** By which registration or trunk a call came: known by the address it came from. */
import { isIP } from 'node:net'
import { plainAddress } from '../../net/networks.ts'
import type { SipConfig } from './config.ts'
import { placeMatcher } from './dial-plan.ts'
import { ipOfHost, parseUri } from './message/uri.ts'
import type { Signalling } from './signalling.ts'

interface Known {
  readonly name: string
  /** User part that calls for it have. */
  readonly user: string
  readonly from: ((ip: string) => boolean) | undefined
  /** Where it is asked for, when no addresses are given. */
  readonly uri: string
  addresses: ReadonlySet<string>
}

/** Names lead elsewhere in time. */
const RENEW_US = 300_000_000

export class AccountAddresses {
  readonly #known: readonly Known[]

  constructor({ accounts, trunks }: Pick<SipConfig, 'accounts' | 'trunks'>) {
    this.#known = Object.entries({ ...accounts, ...trunks }).map(([name, { uri, proxy, from }]) => ({
      name,
      user: parseUri(uri)?.user ?? '',
      from: from && placeMatcher(from),
      uri: proxy ?? uri,
      addresses: literal(proxy ?? uri),
    }))
  }

  /** Of several from one address, the one whose user is called. */
  accountOf(remote: string, called: string): string | undefined {
    if (this.#known.length === 0) return undefined
    const ip = plainAddress(remote)
    const fitting = this.#known.filter(({ from, addresses }) => from?.(ip) ?? addresses.has(ip))
    return (fitting.find(({ user }) => user === called) ?? fitting[0])?.name
  }

  /** Finds where the names lead, now and from time to time; returns the end of that. */
  follow(
    signalling: Pick<Signalling, 'locate'>,
    after: (us: number, run: () => void) => () => void,
  ): () => void {
    let cancel = (): void => undefined
    const renew = async (): Promise<void> => {
      cancel = after(RENEW_US, () => void renew())
      await Promise.all(this.#known.map(known => find(known, signalling)))
    }
    if (this.#known.some(({ from, addresses }) => from === undefined && addresses.size === 0)) void renew()
    return () => cancel()
  }
}

const literal = (text: string): ReadonlySet<string> => {
  const host = ipOfHost(parseUri(text)?.host ?? '')
  return new Set(isIP(host) === 0 ? [] : [host])
}

/** A name that cannot be found keeps the addresses it had. */
const find = async (known: Known, signalling: Pick<Signalling, 'locate'>): Promise<void> => {
  const uri = parseUri(known.uri)
  if (known.from !== undefined || uri === undefined || isIP(ipOfHost(uri.host)) !== 0) return
  const targets = await signalling.locate(uri).catch(() => [])
  if (targets.length > 0) known.addresses = new Set(targets.map(({ ip }) => ip))
}
