/** One connection to our server: its socket, its session, and what it publishes and plays in the registry. */
import type { Socket } from 'node:net'
import { describeReason } from '../../core/scope.ts'
import { parseStreamName } from '../../core/stream-name.ts'
import type { Closable, CloseCode, CloseReason } from '../../core/types.ts'
import { type ErrorCode, type GatewayError, toGatewayError } from '../../errors.ts'
import { unsureFourCcs } from '../../flv-session/egress.ts'
import type { Access, AdapterContext, Logger } from '../adapter.ts'
import { credentialOf } from '../credentials.ts'
import type { RtmpConfig } from './config.ts'
import { createRtmpEgress } from './egress.ts'
import { createRtmpIngest, type RtmpIngest } from './ingest.ts'
import { RTMP_LIMITS } from './message.ts'
import { RtmpSession, type StreamRequest } from './session.ts'
import { createSocketTransport } from './socket-transport.ts'

export interface PeerOptions {
  readonly context: AdapterContext
  readonly config: RtmpConfig
  readonly log: Logger
}

/** Readers that announce nothing: no player shows Opus in FLV unannounced, many show H.265, few the rest. */
const UNANNOUNCED = { fourCcs: ['hvc1'], unsure: unsureFourCcs }

/** Ends that the publisher knows of. */
const LEFT: ReadonlySet<CloseCode> = new Set(['source-ended', 'source-lost'])
const PUBLISH_CODES: Partial<Record<ErrorCode, string>> = {
  'bad-name': 'NetStream.Publish.BadName',
  'name-taken': 'NetStream.Publish.BadName',
  unauthorized: 'NetStream.Publish.Unauthorized',
  forbidden: 'NetStream.Publish.Unauthorized',
}
const PLAY_CODES: Partial<Record<ErrorCode, string>> = {
  'bad-name': 'NetStream.Play.StreamNotFound',
  'not-found': 'NetStream.Play.StreamNotFound',
  'stream-offline': 'NetStream.Play.StreamNotFound',
  unauthorized: 'NetStream.Play.Unauthorized',
  forbidden: 'NetStream.Play.Unauthorized',
}

export class RtmpPeer {
  readonly #options: PeerOptions
  readonly #socket: Socket
  readonly #session: RtmpSession
  readonly #transport
  readonly #log: Logger
  readonly #remote: string
  readonly #label: string
  /** What it publishes or plays, by message stream. */
  readonly #roles = new Map<number, Closable>()
  readonly #ingests = new Map<number, RtmpIngest>()
  #cancelDeadline = (): void => undefined
  #over: CloseReason | undefined

  constructor(socket: Socket, options: PeerOptions) {
    this.#socket = socket
    this.#options = options
    this.#remote = (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
    this.#label = `rtmp ${this.#remote}:${socket.remotePort ?? 0}`
    this.#log = options.log.child({ peer: this.#label })
    this.#transport = createSocketTransport(socket, options.context.clock)
    this.#session = new RtmpSession(RTMP_LIMITS, this.#transport, {
      onPublish: request => void this.#publish(request),
      onPlay: request => void this.#play(request),
      onTag: (streamId, tag) => this.#ingests.get(streamId)?.push(tag),
      onEnd: streamId => this.#endRole(streamId),
      onFailure: error => this.#fail(error),
    })
    const receive = (bytes: Uint8Array): void => this.#session.receive(bytes)
    socket.on('data', bytes => {
      receive(bytes)
      if (this.#ingests.size > 0) this.#transport.readDirectly(receive)
    })
    socket.on('error', error => this.#log.debug({ error: error.message }, 'RTMP socket error'))
    socket.on('close', () => this.close({ code: 'subscriber-left', detail: `${this.#label} disconnected` }))
    this.#expectRequest()
  }

  /** Ends all it publishes and plays, then the connection. Idempotent. */
  close(reason: CloseReason): void {
    if (this.#over !== undefined) return
    this.#over = reason
    this.#cancelDeadline()
    const stray = this.#session.strayTags
    if (stray > 0)
      this.#log.warn({ stray }, 'media dropped: it came on a message stream that publishes nothing')
    for (const [streamId, role] of [...this.#roles]) {
      this.#sayEnd(streamId, reason)
      void role.close(this.#asSource(streamId, reason))
    }
    this.#session.connection.end()
  }

  #sayEnd(streamId: number, reason: CloseReason): void {
    if (this.#ingests.has(streamId)) this.#session.endPublish(streamId, describeReason(reason))
    else this.#session.endPlay(streamId, describeReason(reason))
  }

  /** A publisher whose connection goes without a word from it may come back. */
  #asSource(streamId: number, reason: CloseReason): CloseReason {
    const left = reason.code === 'subscriber-left' && this.#ingests.has(streamId)
    return left ? { ...reason, code: 'source-lost' } : reason
  }

  #fail(error: GatewayError): void {
    this.#log.warn({ code: error.code, error: error.message }, 'RTMP connection failed')
    this.close({ code: 'failed', detail: error.message, error })
    this.#socket.destroy()
  }

  /** A connection that wants nothing is let go. */
  #expectRequest(): void {
    const { context, config } = this.#options
    this.#cancelDeadline()
    this.#cancelDeadline = context.clock.after(config.handshakeTimeoutMs * 1000, () => {
      const detail = `neither publish nor play within ${config.handshakeTimeoutMs} ms`
      this.#log.info({ detail }, 'RTMP connection timed out')
      this.close({ code: 'timeout', detail })
      this.#socket.destroy()
    })
  }

  async #authorize(action: Access['action'], { path }: StreamRequest): Promise<string> {
    const stream = parseStreamName(path.stream)
    const { stream: _, ...credentials } = path
    const access = { action, stream, protocol: 'rtmp', remote: this.#remote, ...credentials }
    await this.#options.context.authorize(access)
    return stream
  }

  #refuse(request: StreamRequest, code: string, error: GatewayError): void {
    // Who may not is told by the rules of access, once in a while for each source.
    const level = error.code === 'unauthorized' || error.code === 'forbidden' ? 'debug' : 'info'
    this.#log[level]({ code: error.code, error: error.message }, `answered ${code}`)
    request.reject(code, error.message)
  }

  async #publish(request: StreamRequest): Promise<void> {
    try {
      const stream = await this.#authorize('publish', request)
      if (this.#over === undefined) this.#startPublishing(request, stream)
    } catch (thrown) {
      const error = toGatewayError(thrown)
      this.#refuse(request, PUBLISH_CODES[error.code] ?? 'NetStream.Publish.Failed', error)
    }
  }

  #startPublishing(request: StreamRequest, stream: string): void {
    const { context, config } = this.#options
    const { streamId } = request
    const credential = credentialOf(request.path)
    const publication = context.registry.publish(stream, {
      label: this.#label,
      onConflict: 'as-allowed',
      ...(credential !== undefined && { credential }),
    })
    const ingest = createRtmpIngest({
      publication,
      clock: context.clock,
      log: this.#log,
      idleMs: config.publisherIdleMs,
      onDead: reason => void publication.close(reason),
    })
    this.#ingests.set(streamId, ingest)
    this.#addRole(streamId, publication)
    void publication.closed.then(reason => {
      this.#dropRole(streamId, publication)
      if (this.#ingests.get(streamId) === ingest) this.#ingests.delete(streamId)
      if (!LEFT.has(reason.code)) this.#session.endPublish(streamId, describeReason(reason))
    })
    this.#log.info({ stream }, 'RTMP publisher')
    request.accept()
  }

  async #play(request: StreamRequest): Promise<void> {
    try {
      const stream = await this.#authorize('subscribe', request)
      if (this.#over === undefined) await this.#startPlaying(request, stream)
    } catch (thrown) {
      const error = toGatewayError(thrown)
      this.#refuse(request, PLAY_CODES[error.code] ?? 'NetStream.Play.Failed', error)
    }
  }

  async #startPlaying(request: StreamRequest, stream: string): Promise<void> {
    const { context, config } = this.#options
    const { connection } = this.#session
    const egress = createRtmpEgress({
      label: this.#label,
      connection,
      transport: this.#transport,
      clock: context.clock,
      streamId: request.streamId,
      role: 'play',
      ...(request.fourCcs === undefined ? UNANNOUNCED : { fourCcs: request.fourCcs }),
      pressure: {
        mode: 'drop-to-key',
        highWater: config.readerHighWaterBytes,
        giveUpMs: config.readerGiveUpMs,
      },
      onOpen: () => {
        connection.replyLimit = RTMP_LIMITS.replyBytes + 2 * config.readerHighWaterBytes
        request.accept()
      },
      onClose: reason => {
        this.#dropRole(request.streamId, egress)
        if (reason.code !== 'subscriber-left') this.#session.endPlay(request.streamId, describeReason(reason))
      },
    })
    this.#addRole(request.streamId, egress)
    try {
      await context.registry.subscribe(stream, egress, { start: 'last-gop' })
    } catch (error) {
      void egress.close({ code: 'subscriber-left', detail: 'refused' })
      throw error
    }
    this.#log.info({ stream }, 'RTMP player')
  }

  #addRole(streamId: number, role: Closable): void {
    this.#cancelDeadline()
    this.#roles.set(streamId, role)
  }

  #dropRole(streamId: number, role: Closable): void {
    if (this.#roles.get(streamId) !== role) return
    this.#roles.delete(streamId)
    if (this.#over === undefined && this.#roles.size === 0) this.#expectRequest()
  }

  /** The client itself ended what it published or played. */
  #endRole(streamId: number): void {
    const code = this.#ingests.has(streamId) ? 'source-ended' : 'subscriber-left'
    void this.#roles.get(streamId)?.close({ code, detail: `${this.#label} ended it` })
  }
}
