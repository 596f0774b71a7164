/** Stream to RTP: two ports at most, described when the tracks are known. */
import { randomBytes } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { mkdir, open } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname } from 'node:path'
import { createScope, Scoped } from '../../core/scope.ts'
import type { Accept, Egress, EgressSink, LinkStats, OpenTrack, Pressure } from '../../core/types.ts'
import { GatewayError } from '../../errors.ts'
import { describeCodec, staticPayloadType } from '../../media/sdp/describe-codec.ts'
import type { CodecId } from '../../media/types.ts'
import type { PortRange, RtpEndpoint } from '../../rtp-session/plain/types.ts'
import type { AdapterContext, PeerDescription } from '../adapter.ts'
import { describeSession } from './describe-session.ts'
import { reachable } from './describe-source.ts'
import type { DescribedSession, DescribedStream } from './described.ts'
import { sendingLink } from './link.ts'
import { portsOf } from './ports.ts'
import { type PushLine, type PushTarget, parsePushUrl } from './push-url.ts'
import { receiveCommands } from './receive-commands.ts'
import { SendingStream } from './sending-stream.ts'

const HEADER_BYTES = 12
const REPORT_US = 1_000_000
const PAYLOAD_TYPES = { video: 96, audio: 97 } as const
/** Packets of pictures that may wait for their time: several key frames of 2160p. */
const MAX_WAITING = 8192
/** Where no file is named, the commands read the description from here. */
const SDP_FILE = 'stream.sdp'

const acceptOf = (line: PushLine, codec: CodecId, maxPayload: number): Accept => {
  const { kind, clockRate: sampleRate, channels } = line
  const rtp = codec === 'h264' ? ({ maxPayload, h264PacketizationMode: 1 } as const) : { maxPayload }
  return {
    ...{ kind, codec, form: 'rtp', rtp },
    ...(sampleRate !== undefined && kind === 'audio' && { sampleRate }),
    ...(channels !== undefined && kind === 'audio' && { channels }),
  }
}

const resolve = async ({ resolveHost }: AdapterContext, host: string): Promise<string> => {
  if (resolveHost !== undefined) return (await resolveHost(host))[0]!.address
  if (isIP(host) !== 0) return host
  const found = await lookup(host).catch((cause: Error) => {
    throw new GatewayError('connect-failed', `${host} has no address: ${cause.message}`, { cause })
  })
  return found.address
}

const writeDescription = async (path: string, sdp: string, mode?: number): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  const file = await open(path, 'w', mode)
  try {
    // One that is there already would keep its own mode.
    if (mode !== undefined) await file.chmod(mode)
    await file.writeFile(sdp)
  } finally {
    await file.close()
  }
}

class RtpEgress extends Scoped implements Egress {
  readonly label: string
  readonly pressure: Pressure = { mode: 'realtime' }
  readonly live = true as const
  readonly #context: AdapterContext
  readonly #target: PushTarget
  readonly #address: string
  readonly #ports: PortRange | undefined
  #streams: readonly SendingStream[] = []
  #text = ''

  constructor(context: AdapterContext, target: PushTarget, address: string, ports: PortRange | undefined) {
    super(createScope(target.label))
    this.label = target.label
    this.#context = context
    this.#target = target
    this.#address = address
    this.#ports = ports
  }

  accepts(): readonly Accept[] {
    const maxPayload = this.#target.packetBytes - HEADER_BYTES
    return this.#target.lines.flatMap(line => line.codecs.map(codec => acceptOf(line, codec, maxPayload)))
  }

  async open(tracks: readonly OpenTrack[]): Promise<readonly EgressSink[]> {
    const streams: SendingStream[] = []
    this.#streams = streams
    for (const open of tracks) streams.push(this.#openStream(open))
    for (const { track } of streams)
      this.scope.defer(track.onParams(() => void this.#describe().catch(this.#failed)))
    await this.#describe()
    return streams.map(({ end }) => end)
  }

  link(): LinkStats {
    return sendingLink(this.#streams.map(({ endpoint }) => endpoint.stats))
  }

  readonly #failed = (error: unknown): void => {
    this.#context.log.warn({ to: this.label, err: error }, `${this.label}: its description was not written`)
  }

  #openStream(open: OpenTrack): SendingStream {
    const { clock } = this.#context
    const { rtcpMux, feedback, crypto, via, ttl } = this.#target
    const line = this.#lineOf(open)
    const payloadType = line.payloadType ?? staticPayloadType(open.track.params) ?? PAYLOAD_TYPES[line.kind]
    const endpoint: RtpEndpoint = portsOf(this.#context).open({
      host: this.#address.includes(':') ? '::' : '0.0.0.0',
      ...(this.#ports !== undefined && { port: this.#ports }),
      ...(rtcpMux && { rtcpPort: null }),
      outgoing: { maxWaiting: MAX_WAITING, ttl, ...(via !== undefined && { interface: via }) },
      listener: { packet: () => {}, keyframeWanted: () => stream.requestKeyframe() },
      reportEveryUs: REPORT_US,
    })
    this.scope.defer(() => endpoint.close(''))
    endpoint.agree({
      receives: [],
      remote: { address: this.#address, port: line.port, rtcpPort: line.rtcpPort },
      latch: 'off',
      rtcpMux,
      feedback,
      ...(crypto !== undefined && {
        sdes: { suite: crypto.suite, local: crypto.keySalt, remote: crypto.keySalt },
      }),
    })
    const stream = new SendingStream(open, endpoint, payloadType, clock)
    return stream
  }

  #lineOf({ accept }: OpenTrack): PushLine {
    return this.#target.lines.find(({ kind }) => kind === accept.kind)!
  }

  /** Written and told when it is another one than before. */
  async #describe(): Promise<void> {
    const session = this.#session()
    const sdp = describeSession(session)
    if (sdp === this.#text) return
    this.#text = sdp
    const { sdpFile, crypto } = this.#target
    if (sdpFile !== undefined)
      await writeDescription(sdpFile, sdp, crypto && 0o600).catch((cause: Error) => {
        throw new GatewayError('io-failed', `${sdpFile}: ${cause.message}`, { cause })
      })
    this.#context.tellPeer?.(this.#peer(session, sdp))
  }

  #peer(session: DescribedSession, sdp: string): PeerDescription {
    const { crypto } = this.#target
    const key = crypto === undefined ? [] : [Buffer.from(crypto.keySalt)]
    return {
      does: 'receive',
      sdp,
      commands: receiveCommands(session),
      secrets: key.flatMap(bytes => [bytes.toString('base64'), bytes.toString('hex')]),
    }
  }

  #session(): DescribedSession {
    const { ttl, packetBytes, sdpFile, label } = this.#target
    return {
      name: label,
      address: this.#address,
      ttl,
      packetBytes,
      direction: 'sendonly',
      sdpFile: sdpFile ?? SDP_FILE,
      streams: this.#streams.map(stream => this.#describeStream(stream)),
    }
  }

  /** Where whoever is at the target reaches us. */
  get #ownAddress(): string {
    const isSix = this.#address.includes(':')
    if (this.#address === '::1' || this.#address.startsWith('127.')) return this.#address
    return reachable(isSix ? '::' : '0.0.0.0')
  }

  #describeStream({ track, endpoint, payloadType }: SendingStream): DescribedStream {
    const { lines, feedback, crypto } = this.#target
    const line = lines.find(({ kind }) => kind === track.kind)!
    const { name, clockRate, channels = 1, fmtp } = describeCodec(track.params)
    return {
      kind: line.kind,
      codec: track.params.codec,
      ...{ name, clockRate, channels, fmtp, payloadType },
      ...{ port: line.port, rtcpPort: line.rtcpPort, ssrc: endpoint.ssrc, crypto },
      reports: { address: this.#ownAddress, port: endpoint.rtcpPort },
      feedback: line.kind === 'video' ? feedback : feedback.filter(value => value === 'nack'),
    }
  }
}

/**
 * Sends to `rtp://HOST:PORT`. Resolves when the host's address is known: whether anybody listens is told by nobody.
 * @param ports local ones to send from; left out: any that are free
 * @throws GatewayError 'bad-url', 'connect-failed', 'forbidden'
 */
export const pushRtp = async (context: AdapterContext, url: URL, ports?: PortRange): Promise<Egress> => {
  if (url.protocol !== 'rtp:')
    throw new GatewayError('bad-url', `${url.protocol} is only received; what is sent is rtp:`)
  const target = parsePushUrl(url, randomBytes)
  return new RtpEgress(context, target, await resolve(context, target.host), ports)
}
