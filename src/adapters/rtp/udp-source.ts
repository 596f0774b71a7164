/** `udp://HOST:PORT`: a transport stream in plain UDP, as encoders and ffmpeg's `-f mpegts udp://…` send it. */
import { closable, createScope } from '../../core/scope.ts'
import type { LinkStats, Publication, Scope } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { loadNative } from '../../native/index.ts'
import type { PoolBatch, PoolSocketOptions, UdpPool } from '../../native/types.ts'
import { networkMatcher } from '../../net/networks.ts'
import type { AdapterContext, PulledSource } from '../adapter.ts'
import type { RtpConfig } from './config.ts'
import { describeTransport } from './describe-source.ts'
import { isMulticast, urlHost } from './described.ts'
import { checkNames, readNumber, readOptions } from './query.ts'
import { TsIngest } from './ts-ingest.ts'
import { listenHost } from './url.ts'

const LOOK_US = 250_000
/** A sender that was silent for so long may give way to another. */
const SILENCE_US = 1_000_000
const STRANGER_US = 1_000_000
const NOBODY = -1
const BUFFER_BYTES = 4 << 20
const OPTIONS = ['program', 'allow', 'timeout', 'interface', 'source'] as const

interface UdpSource {
  readonly label: string
  readonly host: string
  readonly port: number
  readonly program: number | undefined
  readonly allow: readonly string[] | undefined
  readonly timeoutMs: number
  readonly socket: PoolSocketOptions
}

const parseUdpUrl = (url: URL, config: RtpConfig): UdpSource => {
  const query = url.searchParams
  const port = Number(url.port)
  if (url.pathname !== '' && url.pathname !== '/')
    throw new GatewayError('bad-url', `a UDP address has no path ${url.pathname}`)
  if (port === 0) throw new GatewayError('bad-url', 'a UDP address needs a port')
  checkNames(query, OPTIONS)
  const host = listenHost(url)
  const { allow, timeoutMs } = readOptions(query, config)
  const [via, source] = [query.get('interface'), query.get('source')]
  const membership = {
    group: host,
    ...(via !== null && { interface: via }),
    ...(source !== null && { source }),
  }
  return {
    ...{ host, port, allow, timeoutMs, label: `udp ${url.host}` },
    program: readNumber(query, 'program', 1, 65_535),
    socket: {
      ...{ host, port, receiveBufferBytes: BUFFER_BYTES },
      ...(isMulticast(host) && { reuse: true, join: membership }),
    },
  }
}

class UdpIngest {
  readonly #context: AdapterContext
  readonly #source: UdpSource
  readonly #ingest: TsIngest
  readonly #pool: UdpPool
  readonly #scope: Scope
  readonly #allows: (ip: string) => boolean
  /** The one sender: retained, so that it stays who it is. */
  #from = NOBODY
  #lastAt: number
  #strangers = 0
  #strangersTold = Number.NEGATIVE_INFINITY
  #toldSilence = false
  #cancelLook: () => void = () => undefined

  constructor(context: AdapterContext, source: UdpSource, publication: Publication, scope: Scope) {
    const { clock, log } = context
    const { label, program, socket, allow } = source
    this.#context = context
    this.#source = source
    this.#scope = scope
    this.#lastAt = clock.now()
    this.#allows = allow === undefined ? () => true : networkMatcher(allow)
    const onReady = (): void => publication.ready()
    this.#ingest = new TsIngest({ publication, clock, log, label, program, onReady })
    this.#pool = loadNative().createUdpPool()
    scope.defer(() => this.#pool.close())
    scope.defer(() => this.#ingest.end())
    scope.defer(() => this.#cancelLook())
    this.#pool.open(socket)
    this.#pool.onBatch(batch => this.#read(batch))
    log.info(
      { from: label },
      `a transport stream is waited for on udp ${urlHost(source.host)}:${source.port}`,
    )
    this.#look()
  }

  get link(): LinkStats {
    return this.#ingest.link
  }

  #read({ count, slab, offsets, lengths, from, arrivedUs }: PoolBatch): void {
    for (let i = 0; i < count; i++) {
      const arrival = arrivedUs[i]!
      if (from[i] !== this.#from && !this.#admits(from[i]!, arrival)) continue
      this.#lastAt = arrival
      this.#ingest.push(slab, offsets[i]!, offsets[i]! + lengths[i]!, arrival)
    }
  }

  /** The first that sends, and another only when that one is silent. */
  #admits(from: number, arrival: number): boolean {
    const { ip, port } = this.#pool.addressOf(from)
    const isFree = this.#from === NOBODY || arrival - this.#lastAt > SILENCE_US
    if (!isFree || !this.#allows(ip)) {
      this.#stranger(`${ip}:${port}`, arrival)
      return false
    }
    if (this.#from !== NOBODY) this.#pool.release(this.#from)
    this.#pool.retain(from)
    this.#from = from
    const { label } = this.#source
    this.#context.log.info({ from: label, source: `${ip}:${port}` }, `${label} comes from ${ip}:${port}`)
    return true
  }

  /** Told at most once a second. */
  #stranger(stranger: string, now: number): void {
    this.#strangers += 1
    if (now - this.#strangersTold < STRANGER_US) return
    const { log } = this.#context
    log.warn(
      { from: this.#source.label, stranger, count: this.#strangers },
      `${this.#strangers} datagrams of others than the source`,
    )
    this.#strangersTold = now
    this.#strangers = 0
  }

  /** Whoever was heard and is heard no more has gone; who was never heard may still come. */
  #look(): void {
    const { clock, log } = this.#context
    const { label, timeoutMs } = this.#source
    const isSilent = clock.now() - this.#lastAt >= timeoutMs * 1000
    if (isSilent && this.#from !== NOBODY) {
      void this.#scope.close({ code: 'timeout', detail: `${label}: nothing came for ${timeoutMs / 1000} s` })
      return
    }
    if (isSilent && !this.#toldSilence) {
      this.#toldSilence = true
      log.warn({ from: label }, `${label}: nothing has come for ${timeoutMs / 1000} s`)
    }
    this.#cancelLook = clock.after(LOOK_US, () => this.#look())
  }
}

/**
 * Listens for a transport stream. Resolves at once; nothing need have come.
 * @throws GatewayError 'bad-url', 'port-in-use', 'dependency-missing'
 */
export const pullUdp = async (
  context: AdapterContext,
  config: RtpConfig,
  url: URL,
  publication: Publication,
): Promise<PulledSource> => {
  const source = parseUdpUrl(url, config)
  const scope = createScope(source.label, { signal: publication.signal })
  try {
    const ingest = new UdpIngest(context, source, publication, scope)
    context.tellPeer?.(describeTransport(source.label, source.host, source.port))
    return { ...closable(scope), link: () => ingest.link }
  } catch (error) {
    await scope.close({ code: 'failed', detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
}
