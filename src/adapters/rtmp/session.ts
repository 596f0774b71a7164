import { GatewayError } from '../../errors.ts'
import type { AmfValue } from '../../media/amf/value.ts'
import type { FlvTag } from '../../media/flv/types.ts'
import { type Command, numberMember, type StatusInfo, statusObject, stringMember } from './commands.ts'
import { RtmpConnection, type Transport } from './connection.ts'
import { enhancedOffer, readFourCcs } from './enhanced.ts'
import { MESSAGE, type RtmpLimits, USER_CONTROL } from './message.ts'
import { joinPath, type PlayPath } from './url.ts'

/** Somebody wants to publish or play. Nothing more is read from them until the answer. */
export interface StreamRequest {
  readonly streamId: number
  readonly path: PlayPath
  /** FourCCs the client announced in `connect`; undefined when it is silent about Enhanced RTMP. */
  readonly fourCcs: readonly string[] | undefined
  accept(): void
  /** `code` is a NetStream code, `description` a sentence for people. The connection ends after it. */
  reject(code: string, description: string): void
}

export interface SessionEvents {
  onPublish(request: StreamRequest): void
  onPlay(request: StreamRequest): void
  /** Media of an accepted publisher, and of nobody else. */
  onTag(streamId: number, tag: FlvTag): void
  /** The client ended what it published or played. */
  onEnd(streamId: number): void
  onFailure(error: GatewayError): void
}

type Use = 'idle' | 'asking' | 'publishing' | 'playing'
interface MessageStream {
  readonly id: number
  use: Use
  key: string
}

const WINDOW = 2_500_000
const FLASH_VERSION = 'FMS/3,5,7,7009'
const CAPABILITIES = 31
/** Answered with an empty result: their effect, if any, comes with publish and play. */
const COURTESIES = new Set(['releaseStream', '_checkbw', 'checkBandwidth', 'FCSubscribe', 'FCUnsubscribe'])
const CALLS = new Set(['_result', '_error', 'onStatus', 'onBWDone'])

/** The server side of one connection: commands and message streams. Knows nothing of the gateway's streams. */
export class RtmpSession {
  readonly connection: RtmpConnection
  /** Media messages on message streams that publish nothing: dropped. */
  strayTags = 0
  readonly #events: SessionEvents
  readonly #limits: RtmpLimits
  readonly #streams = new Map<number, MessageStream>()
  #app: string | undefined
  #tcUrl: string | undefined
  #fourCcs: readonly string[] | undefined
  #connected = false
  /** The only stream that publishes: where media on message stream 0 belongs. */
  #publishing: MessageStream | undefined

  constructor(limits: RtmpLimits, transport: Transport, events: SessionEvents) {
    this.#limits = limits
    this.#events = events
    this.connection = new RtmpConnection('server', limits, transport, {
      onOpen: () => undefined,
      onCommand: command => this.#onCommand(command),
      onTag: (streamId, tag) => this.#onTag(streamId, tag),
      onUserControl: () => undefined,
      onFailure: error => events.onFailure(error),
    })
  }

  receive(bytes: Uint8Array): void {
    this.connection.receive(bytes)
  }

  sendStatus(streamId: number, info: StatusInfo): void {
    this.connection.sendCommand(MESSAGE.commandAmf0, streamId, 'onStatus', 0, null, statusObject(info))
  }

  /** Tells a player that its stream is over, then hangs up. */
  endPlay(streamId: number, description: string): void {
    this.sendStatus(streamId, { level: 'status', code: 'NetStream.Play.UnpublishNotify', description })
    this.connection.sendUserControl(USER_CONTROL.streamEof, streamId)
    this.sendStatus(streamId, { level: 'status', code: 'NetStream.Play.Stop', description })
    this.connection.end()
  }

  /** Tells a publisher why it is no longer one, then hangs up. */
  endPublish(streamId: number, description: string): void {
    this.#free(streamId)
    this.sendStatus(streamId, { level: 'error', code: 'NetStream.Publish.Failed', description })
    this.connection.end()
  }

  #onTag(streamId: number, tag: FlvTag): void {
    const stream = streamId === 0 ? this.#publishing : this.#streams.get(streamId)
    if (stream?.use === 'publishing') this.#events.onTag(stream.id, tag)
    else this.strayTags += 1
  }

  #onCommand(command: Command): void {
    if (command.name === 'connect') this.#connect(command)
    else if (!this.#connected) {
      throw new GatewayError('malformed', 'a command came before connect')
    } else this.#dispatch(command)
  }

  #dispatch(command: Command): void {
    const { name, streamId, args } = command
    if (name === 'createStream') this.#createStream(command)
    else if (name === 'publish') this.#publish(command)
    else if (name === 'play') this.#play(command)
    else if (name === 'deleteStream') this.#deleteStream(args[0])
    else if (name === 'closeStream') this.#endStream(this.#streams.get(streamId))
    else if (name === 'FCPublish') this.#fcPublish(command)
    else if (name === 'FCUnpublish') this.#fcUnpublish(command)
    else if (name === 'getStreamLength')
      this.#result(command, 0) // live: no length
    else if (COURTESIES.has(name)) this.#result(command, undefined)
    else if (!CALLS.has(name)) this.#refuse(command, `${printable(name)} is not supported here`)
  }

  #result(command: Command, value: AmfValue): void {
    if (command.transaction === 0) return
    this.connection.sendCommand(command.form, command.streamId, '_result', command.transaction, null, value)
  }

  #refuse(command: Command, description: string): void {
    if (command.transaction === 0) return
    this.#error(command, 'NetConnection.Call.Failed', description)
  }

  #error({ form, streamId, transaction }: Command, code: string, description: string): void {
    const info = statusObject({ level: 'error', code, description })
    this.connection.sendCommand(form, streamId, '_error', transaction, null, info)
  }

  #connect(command: Command): void {
    const { object, form, transaction } = command
    if (this.#connected) {
      this.#error(command, 'NetConnection.Connect.Rejected', 'This connection is connected already')
      return
    }
    this.#connected = true
    this.#app = stringMember(object, 'app')
    this.#tcUrl = stringMember(object, 'tcUrl')
    this.#fourCcs = readFourCcs(object)
    this.connection.sendWindowAckSize(WINDOW)
    this.connection.sendPeerBandwidth(WINDOW)
    this.connection.sendChunkSize()
    const properties = { fmsVer: FLASH_VERSION, capabilities: CAPABILITIES, mode: 1 }
    this.connection.sendCommand(form, 0, '_result', transaction || 1, properties, this.#welcome(object))
  }

  #welcome(object: AmfValue): AmfValue {
    const info: StatusInfo = {
      level: 'status',
      code: 'NetConnection.Connect.Success',
      description: 'Connection succeeded.',
    }
    const objectEncoding = numberMember(object, 'objectEncoding') === 3 ? 3 : 0
    return statusObject(info, { objectEncoding, ...(this.#fourCcs === undefined ? {} : enhancedOffer()) })
  }

  #createStream(command: Command): void {
    const most = this.#limits.messageStreams
    if (this.#streams.size >= most) {
      this.#refuse(command, `At most ${most} message streams fit on one connection`)
      return
    }
    // The lowest free id: a connection with one stream always has 1, and its media the same bytes as everybody's.
    let id = 1
    while (this.#streams.has(id)) id += 1
    this.#streams.set(id, { id, use: 'idle', key: '' })
    this.#result(command, id)
  }

  #fcPublish(command: Command): void {
    this.#result(command, undefined)
    const info = statusObject({
      level: 'status',
      code: 'NetStream.Publish.Start',
      description: 'FCPublish is taken note of; publish decides',
    })
    this.connection.sendCommand(command.form, 0, 'onFCPublish', 0, null, info)
  }

  #fcUnpublish(command: Command): void {
    this.#result(command, undefined)
    const key = command.args[0]
    for (const stream of this.#streams.values()) {
      if (stream.use === 'publishing' && stream.key === key) this.#endStream(stream)
    }
  }

  #publish(command: Command): void {
    const stream = this.#streams.get(command.streamId)
    // Wirecast and Flash stop with publish(false).
    if (command.args[0] === false) this.#endStream(stream)
    else
      this.#ask(command, stream, 'publishing', 'NetStream.Publish', request =>
        this.#events.onPublish(request),
      )
  }

  #play(command: Command): void {
    const stream = this.#streams.get(command.streamId)
    if (command.args[0] === false) this.#endStream(stream)
    else this.#ask(command, stream, 'playing', 'NetStream.Play', request => this.#events.onPlay(request))
  }

  #ask(
    command: Command,
    stream: MessageStream | undefined,
    use: 'publishing' | 'playing',
    prefix: string,
    decide: (request: StreamRequest) => void,
  ): void {
    const key = command.args[0]
    const fail = (why: string): void => this.#reject(command.streamId, `${prefix}.Failed`, why)
    if (stream === undefined) fail('createStream must come first')
    else if (stream.use !== 'idle') fail('This message stream is in use already')
    else if (typeof key !== 'string') fail('The stream name is missing')
    else {
      stream.use = 'asking'
      stream.key = key
      this.connection.hold()
      decide({
        streamId: stream.id,
        path: joinPath(this.#app, this.#tcUrl, key),
        fourCcs: this.#fourCcs,
        accept: () => this.#accept(stream, use),
        reject: (code, description) => this.#reject(stream.id, code, description),
      })
    }
  }

  #reject(streamId: number, code: string, description: string): void {
    this.#free(streamId)
    this.sendStatus(streamId, { level: 'error', code, description })
    this.connection.end()
  }

  #accept(stream: MessageStream, use: 'publishing' | 'playing'): void {
    stream.use = use
    this.connection.sendUserControl(USER_CONTROL.streamBegin, stream.id)
    if (use === 'publishing') {
      this.#publishing = stream
      const description = 'Publishing has started'
      this.sendStatus(stream.id, { level: 'status', code: 'NetStream.Publish.Start', description })
    } else {
      const description = 'Playing has started'
      this.sendStatus(stream.id, { level: 'status', code: 'NetStream.Play.Reset', description })
      this.sendStatus(stream.id, { level: 'status', code: 'NetStream.Play.Start', description })
    }
    this.connection.release()
  }

  #deleteStream(id: AmfValue): void {
    if (typeof id !== 'number') return
    this.#endStream(this.#streams.get(id))
    this.#streams.delete(id)
  }

  #endStream(stream: MessageStream | undefined): void {
    if (stream === undefined || stream.use === 'idle') return
    const use = stream.use
    this.#free(stream.id)
    this.#events.onEnd(stream.id)
    if (use !== 'publishing') return
    const description = 'Publishing has ended'
    this.sendStatus(stream.id, { level: 'status', code: 'NetStream.Unpublish.Success', description })
  }

  #free(id: number): void {
    const stream = this.#streams.get(id)
    if (stream === undefined) return
    stream.use = 'idle'
    if (this.#publishing === stream) this.#publishing = undefined
  }
}

/** A name from outside, fit to be shown. */
const printable = (text: string): string => text.slice(0, 64).replace(/[^\x20-\x7e]/g, '?')
