import type { Clock } from '../../../core/types.ts'
import { GatewayError } from '../../../errors.ts'
import type { Target, TransportKind } from '../addresses.ts'
import type { SipUri } from '../message/types.ts'
import { formatUri } from '../message/uri.ts'
import type { DnsResolver, NaptrRecord } from '../signalling.ts'
import { defaultPort, literalTarget, transportOf } from './locate.ts'
import { orderSrv } from './srv-order.ts'

/** NAPTR services, and the transport each stands for (RFC 3263 4.1). */
const services: Readonly<Record<string, TransportKind>> = {
  'SIP+D2U': 'udp',
  'SIP+D2T': 'tcp',
  'SIPS+D2T': 'tls',
}

const srvName: Readonly<Partial<Record<TransportKind, string>>> = {
  udp: '_sip._udp.',
  tcp: '_sip._tcp.',
  tls: '_sips._tcp.',
}

/** What was found holds for half a minute; that there is nothing, for five seconds. */
const holdsUs = 30_000_000
const holdsFailureUs = 5_000_000
const maxKnown = 1000

interface Known {
  readonly targets: Promise<readonly Target[]>
  untilUs: number
}

/** A record that is not there is no failure; a server that fails is treated alike, for there may be other records. */
const orNone = async <T>(records: Promise<readonly T[]>): Promise<readonly T[]> => records.catch(() => [])

const byPreference = (a: NaptrRecord, b: NaptrRecord): number =>
  a.order - b.order || a.preference - b.preference

/** Where a URI leads: transport, addresses and ports in the order to be tried (RFC 3263 4). */
export class Locator {
  readonly #resolver: DnsResolver
  readonly #clock: Clock
  readonly #random: () => number
  /** Transports that we can send by. */
  readonly #ours: ReadonlySet<TransportKind>
  readonly #known = new Map<string, Known>()

  constructor(resolver: DnsResolver, clock: Clock, random: () => number, ours: ReadonlySet<TransportKind>) {
    this.#resolver = resolver
    this.#clock = clock
    this.#random = random
    this.#ours = ours
  }

  /** At once for an address. Rejects with 'connect-failed' for a name that leads nowhere. */
  locate(uri: SipUri): readonly Target[] | Promise<readonly Target[]> {
    if (uri.scheme === 'tel') return this.#nowhere(formatUri(uri), 'a number needs a route')
    const literal = literalTarget(uri)
    return literal === undefined ? this.#remembered(uri) : [literal]
  }

  #remembered(uri: SipUri): Promise<readonly Target[]> {
    const { scheme, host, port, params } = uri
    const key = `${scheme} ${params.get('maddr') ?? host} ${port} ${params.get('transport')}`
    const now = this.#clock.now()
    const known = this.#known.get(key)
    if (known !== undefined && known.untilUs > now) return known.targets
    if (this.#known.size >= maxKnown) this.#known.clear()
    const entry: Known = { targets: this.#find(uri), untilUs: now + holdsUs }
    entry.targets.catch(() => {
      entry.untilUs = now + holdsFailureUs
    })
    this.#known.set(key, entry)
    return entry.targets
  }

  async #find(uri: SipUri): Promise<readonly Target[]> {
    const host = uri.params.get('maddr') ?? uri.host
    const transport = transportOf(uri)
    if (uri.port !== undefined) return this.#hosts(host, uri.port, transport ?? 'udp', host)
    const chosen = transport === undefined ? await this.#byNaptr(host) : await this.#bySrv(host, transport)
    if (chosen.length > 0) return chosen
    const last = transport ?? 'udp'
    return this.#hosts(host, defaultPort(last), last, host)
  }

  /** The peer's own order of transports; without it every one that we have is asked for. */
  async #byNaptr(host: string): Promise<readonly Target[]> {
    const records = await orNone(this.#resolver.resolveNaptr(host))
    const usable = records.filter(({ flags, service }) => {
      const kind = services[service.toUpperCase()]
      return flags.toLowerCase() === 's' && kind !== undefined && this.#ours.has(kind)
    })
    for (const { service, replacement } of [...usable].sort(byPreference)) {
      const found = await this.#srvTargets(replacement, services[service.toUpperCase()]!, host)
      if (found.length > 0) return found
    }
    for (const kind of ['udp', 'tcp', 'tls'] as const) {
      const found = this.#ours.has(kind) ? await this.#bySrv(host, kind) : []
      if (found.length > 0) return found
    }
    return []
  }

  #bySrv(host: string, transport: TransportKind): Promise<readonly Target[]> {
    const prefix = srvName[transport]
    return prefix === undefined ? Promise.resolve([]) : this.#srvTargets(prefix + host, transport, host)
  }

  async #srvTargets(name: string, transport: TransportKind, certificate: string): Promise<readonly Target[]> {
    const records = await orNone(this.#resolver.resolveSrv(name))
    // A single root says that the service is decidedly not there (RFC 2782).
    const real = records.filter(record => record.name !== '' && record.name !== '.')
    const ordered = orderSrv(real, this.#random)
    const found = await Promise.all(
      ordered.map(record => orNone(this.#hosts(record.name, record.port, transport, certificate))),
    )
    return found.flat()
  }

  async #hosts(
    host: string,
    port: number,
    transport: TransportKind,
    name: string,
  ): Promise<readonly Target[]> {
    const addresses = await this.#resolver.lookup(host).catch((error: Error) => {
      if (error instanceof GatewayError) throw error
      return this.#nowhere(host, error.message)
    })
    return addresses.map(({ address }) => ({ transport, ip: address, port, name }))
  }

  async #nowhere(host: string, why: string): Promise<never> {
    throw new GatewayError('connect-failed', `${host}: ${why}`)
  }
}
