/** RTP to stream: ports are opened, what comes becomes tracks, and silence or BYE ends it. */
import { closable, createScope } from '../../core/scope.ts'
import type { CloseReason, LinkStats, Publication, Scope } from '../../core/types.ts'
import { networkMatcher } from '../../net/networks.ts'
import type { RtpEndpoint, RtpEndpointListener } from '../../rtp-session/plain/types.ts'
import type { AdapterContext, PulledSource } from '../adapter.ts'
import type { RtpConfig } from './config.ts'
import { describeSource } from './describe-source.ts'
import type { LineFormat, SourceDescription, SourceLine } from './description.ts'
import { IngestTrack } from './ingest-track.ts'
import { receivingLink } from './link.ts'
import { portsOf } from './ports.ts'
import { TsLine } from './ts-line.ts'

const LOOK_US = 250_000
/** Reports to a sender that stops without them; well below every such limit. */
const REPORT_US = 1_000_000
/** Key frames of 2160p that come while the event loop is busy. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
/** The other tracks of a source are waited for so long after the first. */
const LATE_TRACK_US = 3_000_000

/** One line that is listened to. */
interface OpenLine {
  readonly line: SourceLine
  readonly endpoint: RtpEndpoint
  readonly track: IngestTrack | TsLine
  ended: boolean
}

const words = ({ host, port }: RtpEndpoint): string => `${host.includes(':') ? `[${host}]` : host}:${port}`

class Ingest {
  readonly #context: AdapterContext
  readonly #publication: Publication
  readonly #description: SourceDescription
  readonly #scope: Scope
  readonly #openedAt: number
  #lines: readonly OpenLine[] = []
  #isReady = false
  #cancelLate: (() => void) | undefined
  #cancelLook: (() => void) | undefined
  #heardSince: number | undefined
  #toldSilence = false

  constructor(
    context: AdapterContext,
    publication: Publication,
    description: SourceDescription,
    scope: Scope,
  ) {
    this.#context = context
    this.#publication = publication
    this.#description = description
    this.#scope = scope
    this.#openedAt = context.clock.now()
  }

  link(): LinkStats {
    return receivingLink(this.#lines.map(({ endpoint }) => endpoint.stats))
  }

  /** Both ports of all lines, or none. */
  open(config: RtpConfig): void {
    const ids = new Map<string, number>()
    const lines: OpenLine[] = []
    this.#lines = lines
    this.#scope.defer(() => this.#close(lines))
    for (const line of this.#description.lines) {
      const count = ids.get(line.name) ?? 0
      ids.set(line.name, count + 1)
      lines.push(this.#openLine(line, count === 0 ? line.name : `${line.name}-${count}`, config))
    }
    this.#look()
  }

  #openLine(line: SourceLine, id: string, config: RtpConfig): OpenLine {
    const { clock, log } = this.#context
    const { options, label } = this.#description
    const formats: LineFormat[] = []
    for (const one of line.formats) formats[one.format.payloadType] = one
    const publication = this.#publication
    const track = isMultiplex(line)
      ? new TsLine({ publication, clock, log, label, program: undefined, onReady: () => this.#onTrack() })
      : new IngestTrack({
          ...{ publication, clock, id, maxPayload: options.maxPayload },
          usualPayload: config.maxPayloadBytes,
          requestKeyframe: asksForKeyframes(line) ? () => void opened.endpoint.requestKeyframe() : undefined,
          onTrack: () => this.#onTrack(),
        })
    const listener: RtpEndpointListener = {
      packet: (packet, format) => track.packet(packet, formats[format.payloadType]!),
      senderReport: (ts, wall) => track.senderReport(ts, wall),
      bye: reason => this.#bye(opened, reason),
      sourceChanged: ({ ip, port }, why) =>
        log.info(
          { from: label, source: `${ip}:${port}`, track: id },
          `${id} comes from ${ip}:${port}: ${why}`,
        ),
      strangers: ({ ip, port }, count) =>
        log.warn(
          { from: label, stranger: `${ip}:${port}`, count },
          `${count} packets of others than the source`,
        ),
    }
    const endpoint = portsOf(this.#context).open({
      ...{ host: line.host, port: line.port, listener, reportEveryUs: REPORT_US },
      receiveBufferBytes: RECEIVE_BUFFER_BYTES,
      ...(line.rtcpPort !== undefined && { rtcpPort: line.rtcpPort }),
      ...(line.multicast !== undefined && { multicast: line.multicast }),
      ...(options.allow !== undefined && { allows: networkMatcher(options.allow) }),
    })
    const opened: OpenLine = { line, endpoint, track, ended: false }
    endpoint.agree({
      receives: line.formats.map(({ format }) => format),
      remote: options.remote,
      latch: options.latch,
      rtcpMux: line.rtcpPort === null,
      feedback: line.feedback,
      ...(line.sdes !== undefined && { sdes: line.sdes }),
    })
    log.info({ from: label, port: endpoint.port }, `${id} is waited for on udp ${words(endpoint)}`)
    return opened
  }

  /** The stream is ready with all its tracks, or with those that came in time. */
  #onTrack(): void {
    if (this.#isReady) return
    if (this.#lines.every(({ track }) => track.isOpen)) this.#ready()
    else this.#cancelLate ??= this.#context.clock.after(LATE_TRACK_US, () => this.#ready())
  }

  #ready(): void {
    this.#isReady = true
    this.#cancelLate?.()
    this.#tellMissing('It goes on without')
    this.#publication.ready()
  }

  #tellMissing(outcome: string): void {
    const missing = this.#lines.filter(({ track }) => !track.isOpen)
    if (missing.length === 0) return
    const why = missing.map(({ line, track }) => `no ${line.name}: ${track.missing}`).join('; ')
    this.#context.log.warn({ from: this.#description.label }, `${why}. ${outcome}`)
  }

  #bye(line: OpenLine, reason: string): void {
    line.ended = true
    if (!this.#lines.every(({ ended, endpoint }) => ended || endpoint.stats.received === undefined)) return
    const { label } = this.#description
    this.#end({ code: 'source-ended', detail: `${label} has ended${reason === '' ? '' : `: ${reason}`}` })
  }

  /** Whoever was heard and is heard no more has gone; who was never heard may still come. */
  #look(): void {
    const { clock } = this.#context
    const { label, options } = this.#description
    const heard = this.#lines.filter(({ endpoint }) => endpoint.stats.received !== undefined)
    const last = Math.max(...heard.map(({ endpoint }) => endpoint.lastPacketAt), Number.NEGATIVE_INFINITY)
    const silentMs = (clock.now() - (heard.length > 0 ? last : this.#openedAt)) / 1000
    if (silentMs >= options.timeoutMs) {
      const seconds = options.timeoutMs / 1000
      if (heard.length > 0) {
        this.#end({ code: 'timeout', detail: `${label}: nothing came for ${seconds} s` })
        return
      }
      this.#nothingYet(seconds)
    }
    if (heard.length > 0 && !this.#isReady) this.#notReady()
    this.#cancelLook = clock.after(LOOK_US, () => this.#look())
  }

  /** Something comes, and is not enough for a stream. */
  #notReady(): void {
    const now = this.#context.clock.now()
    this.#heardSince ??= now
    if (this.#toldSilence || now - this.#heardSince < LATE_TRACK_US) return
    this.#toldSilence = true
    this.#tellMissing('It is waited for')
  }

  #nothingYet(seconds: number): void {
    if (this.#toldSilence) return
    this.#toldSilence = true
    const { label } = this.#description
    const ports = this.#lines.map(({ endpoint }) => words(endpoint)).join(', ')
    const counts = this.#lines.map(
      ({ endpoint: { stats } }) => stats.strangers + stats.refused + stats.malformed,
    )
    const others = counts.reduce((sum, count) => sum + count, 0)
    this.#context.log.warn(
      { from: label, ports, others },
      `nothing usable has come to udp ${ports} for ${seconds} s`,
    )
  }

  #end(reason: CloseReason): void {
    void this.#scope.close(reason)
  }

  #close(lines: readonly OpenLine[]): void {
    this.#cancelLate?.()
    this.#cancelLook?.()
    for (const { endpoint, track } of lines) {
      endpoint.close('')
      if (track instanceof TsLine) track.close()
    }
  }
}

/** The tracks are found inside. */
const isMultiplex = ({ formats }: SourceLine): boolean => formats.every(({ params }) => params === undefined)

/** Only a line whose description says so: most senders of plain RTP obey no request (ffmpeg among them). */
const asksForKeyframes = ({ feedback }: SourceLine): boolean =>
  feedback.includes('nack pli') || feedback.includes('ccm fir')

/**
 * Opens the ports of a source and publishes what comes. Resolves at once; nothing need have come.
 * @throws GatewayError 'port-in-use'
 */
export const ingestRtp = async (
  context: AdapterContext,
  config: RtpConfig,
  description: SourceDescription,
  publication: Publication,
): Promise<PulledSource> => {
  const scope = createScope(description.label, { signal: publication.signal })
  const ingest = new Ingest(context, publication, description, scope)
  try {
    ingest.open(config)
    context.tellPeer?.(describeSource(description))
  } catch (error) {
    await scope.close({ code: 'failed', detail: error instanceof Error ? error.message : String(error) })
    throw error
  }
  return { ...closable(scope), link: () => ingest.link() }
}
