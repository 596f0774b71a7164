import { createScope, Scoped } from '../../core/scope.ts'
import type {
  Accept,
  Clock,
  CloseReason,
  Egress,
  EgressProgress,
  EgressSink,
  LinkStats,
  OpenTrack,
  Pressure,
  TrackInfo,
} from '../../core/types.ts'
import { acceptsFlv, createFlvOutput } from '../../flv-session/egress.ts'
import type { FlvMessage, FlvMessageSink, FlvOutput } from '../../flv-session/types.ts'
import { type Cadence, cadenceOf } from './cadence.ts'
import type { RtmpConnection, Transport } from './connection.ts'
import { shareMedia, writePublishedMetadata } from './shared-chunks.ts'

export interface RtmpEgressOptions {
  readonly label: string
  readonly connection: RtmpConnection
  readonly transport: Transport
  readonly clock: Clock
  readonly streamId: number
  /** 'publish': we push to a server; 'play': a player reads from us. */
  readonly role: 'publish' | 'play'
  readonly fourCcs: readonly string[]
  /** Those the peer may take, though it did not say so. */
  readonly unsure?: readonly string[]
  readonly pressure: Pressure & { readonly mode: 'drop-to-key' }
  /** The plan stands, media follows at once. */
  onOpen(): void
  /** Once: say good-bye and let the connection go. */
  onClose(reason: CloseReason): void
}

/** A peer that has acknowledged less often may not know what an acknowledgement is. */
const RELIABLE_ACKS = 3

const progressOf = ({ stats, acknowledgements }: RtmpConnection, backlog: number): EgressProgress => {
  const taken = stats.sent - backlog
  const { count, window } = acknowledgements
  if (count < RELIABLE_ACKS) return { taken }
  // 5.4.3: modulo 2^32; some peers count the handshake, so that they may be ahead of us.
  const missing = ((stats.sent % 2 ** 32) - stats.acknowledged) >>> 0
  return { taken, acknowledged: { count, missing: missing < 2 ** 31 ? missing : 0, window } }
}

/** To a player. Sound may wait for a picture that is near: half of all system calls are for sound. */
class PlayedMedia implements FlvMessageSink {
  #cadence: Cadence | undefined
  readonly #connection: RtmpConnection
  readonly #streamId: number

  constructor({ connection, streamId }: RtmpEgressOptions) {
    this.#connection = connection
    this.#streamId = streamId
  }

  /** Tracks that come later may have no picture among them: that of before goes on. */
  follow(cadence: Cadence | undefined): void {
    this.#cadence = cadence ?? this.#cadence
  }

  write(message: FlvMessage): void {
    const mayWait = this.#cadence?.mayWait(message)
    this.#connection.write(shareMedia(message, this.#streamId), mayWait)
  }
}

/** To a server that we publish to. */
const publishedMedia = ({ connection, streamId }: RtmpEgressOptions): FlvMessageSink => ({
  write: message => {
    const bytes =
      message.role === 'metadata' ? writePublishedMetadata(message, streamId) : shareMedia(message, streamId)
    connection.write(bytes)
  },
})

/** A class, because its members are asked for each message of each reader. */
class RtmpEgress extends Scoped implements Egress {
  readonly label: string
  readonly pressure: Pressure
  readonly takesLateTracks = true
  readonly #options: RtmpEgressOptions
  readonly #transport: Transport
  readonly #played: PlayedMedia | undefined
  readonly #output: FlvOutput
  #opened = false

  constructor(options: RtmpEgressOptions) {
    super(createScope(options.label))
    this.label = options.label
    this.pressure = options.pressure
    this.#options = options
    this.#transport = options.transport
    if (options.role === 'play') this.#played = new PlayedMedia(options)
    this.#output = createFlvOutput(this.#played ?? publishedMedia(options))
    void this.closed.then(reason => options.onClose(reason))
  }

  accepts(tracks: readonly TrackInfo[]): readonly Accept[] {
    return acceptsFlv(tracks, this.#options)
  }

  open(tracks: readonly OpenTrack[]): readonly EgressSink[] {
    if (!this.#opened) this.#options.onOpen()
    this.#opened = true
    this.#played?.follow(cadenceOf(tracks, this.#options.clock))
    return this.#output.open(tracks)
  }

  backlog(): number {
    return this.#transport.backlog()
  }

  progress(): EgressProgress {
    return progressOf(this.#options.connection, this.backlog())
  }

  link(): LinkStats {
    const { taken, acknowledged } = this.progress()
    return { sentBytes: taken, unacknowledgedBytes: acknowledged?.missing }
  }
}

/** Subscribed tracks to one RTMP connection. Closing it ends the connection. */
export const createRtmpEgress = (options: RtmpEgressOptions): Egress => new RtmpEgress(options)
