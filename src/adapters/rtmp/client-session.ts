import { GatewayError } from '../../errors.ts'
import type { AmfValue } from '../../media/amf/value.ts'
import type { FlvTag } from '../../media/flv/types.ts'
import { type Command, readStatus, type StatusInfo } from './commands.ts'
import { RtmpConnection, type Transport } from './connection.ts'
import { enhancedOffer, readFourCcs } from './enhanced.ts'
import { MESSAGE, type RtmpLimits, USER_CONTROL } from './message.ts'
import { peerError } from './peer-error.ts'
import type { RtmpAddress } from './url.ts'

export interface ClientEvents {
  onTag(tag: FlvTag): void
  /** The stream is over, in the server's words. Not an error. */
  onEnd(description: string): void
  /** Once; what is awaited rejects with it too. */
  onFailure(error: GatewayError): void
}

interface Waiter<V> {
  readonly resolve: (value: V) => void
  readonly reject: (error: GatewayError) => void
}

const FLASH_VERSION = 'FMLE/3.0 (compatible; FMSc/1.0)'
/** Acknowledged several times a second at usual rates: a server that stops reading is found out soon. */
const WINDOW = 100_000
const BUFFER_MS = 1_000
const LIVE = -2_000 // 7.2.2.1: live, else recorded; every server takes it

const PLAYING = new Set(['NetStream.Play.Start', 'NetStream.Play.PublishNotify'])
const OVER = new Set([
  'NetStream.Play.UnpublishNotify',
  'NetStream.Play.Stop',
  'NetStream.Play.Complete',
  'NetStream.Unpublish.Success',
])

/** The client side of one connection: one stream, published or played. */
export class RtmpClientSession {
  readonly connection: RtmpConnection
  /** What is under way, for the sentence of a time-out. */
  stage = 'handshake'
  /** FourCCs the server announced in its answer to `connect`; undefined when it is silent about Enhanced RTMP. */
  fourCcs: readonly string[] | undefined
  readonly #address: RtmpAddress
  readonly #events: ClientEvents
  readonly #calls = new Map<number, Waiter<Command>>()
  #transaction = 0
  #opened: Waiter<void> | undefined
  #started: Waiter<void> | undefined
  #streamId = 0
  #failure: GatewayError | undefined

  constructor(address: RtmpAddress, limits: RtmpLimits, transport: Transport, events: ClientEvents) {
    this.#address = address
    this.#events = events
    this.connection = new RtmpConnection('client', limits, transport, {
      onOpen: () => this.#opened?.resolve(),
      onCommand: command => this.#onCommand(command),
      onTag: (_, tag) => this.#onTag(tag),
      onUserControl: event => this.#onUserControl(event),
      onFailure: error => this.#fail(error),
    })
  }

  receive(bytes: Uint8Array): void {
    this.connection.receive(bytes)
  }

  /** Publishes; resolves with the message stream id for the media once the server said NetStream.Publish.Start. */
  async publish(): Promise<number> {
    const { key } = this.#address
    await this.#connect()
    // Courtesies of Flash encoders that some servers wait for; their answers say nothing.
    this.#notify('releaseStream', key)
    this.#notify('FCPublish', key)
    await this.#createStream()
    await this.#start('publish', key, 'live')
    return this.#streamId
  }

  /** Plays; resolves once the server said NetStream.Play.Start or media came. */
  async play(): Promise<number> {
    await this.#connect()
    await this.#createStream()
    this.connection.sendUserControl(USER_CONTROL.setBufferLength, this.#streamId, BUFFER_MS)
    await this.#start('play', this.#address.key, LIVE)
    return this.#streamId
  }

  /** Says good-bye to a server that we publish to, then hangs up. */
  endPublish(): void {
    this.#notify('FCUnpublish', this.#address.key)
    this.#notify('deleteStream', this.#streamId)
    this.connection.end()
  }

  /** The transport is gone, or time is up. */
  fail(error: GatewayError): void {
    this.connection.fail(error)
  }

  async #connect(): Promise<void> {
    await this.#wait<void>(waiter => {
      this.#opened = waiter
      this.connection.greet('complex')
    })
    this.stage = 'connect'
    this.connection.sendChunkSize()
    const { app, tcUrl } = this.#address
    const object = {
      app,
      type: 'nonprivate',
      flashVer: FLASH_VERSION,
      tcUrl,
      ...enhancedOffer(),
    }
    const answer = await this.#call('connect', object)
    this.fourCcs = readFourCcs(answer.args[0])
    this.connection.sendWindowAckSize(WINDOW)
  }

  async #createStream(): Promise<void> {
    this.stage = 'createStream'
    const answer = await this.#call('createStream', null)
    const id = answer.args[0]
    if (typeof id !== 'number')
      throw new GatewayError('refused', 'createStream was answered without a stream id')
    this.#streamId = id >>> 0
  }

  #start(command: 'publish' | 'play', ...args: readonly AmfValue[]): Promise<void> {
    this.stage = command
    return this.#wait<void>(waiter => {
      this.#started = waiter
      const transaction = ++this.#transaction
      // Permission comes as a status; some servers refuse with _error.
      this.#calls.set(transaction, { resolve: () => undefined, reject: waiter.reject })
      this.#send(command, transaction, null, args, this.#streamId)
    })
  }

  #wait<V>(begin: (waiter: Waiter<V>) => void): Promise<V> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    return new Promise<V>((resolve, reject) => begin({ resolve, reject }))
  }

  #call(name: string, object: AmfValue): Promise<Command> {
    return this.#wait<Command>(waiter => {
      const transaction = ++this.#transaction
      this.#calls.set(transaction, waiter)
      this.#send(name, transaction, object, [])
    })
  }

  /** With a transaction, as Flash encoders do, but whatever is answered is not waited for. */
  #notify(name: string, arg: AmfValue): void {
    this.#send(name, ++this.#transaction, null, [arg])
  }

  #send(name: string, transaction: number, object: AmfValue, args: readonly AmfValue[], streamId = 0): void {
    this.connection.sendCommand(MESSAGE.commandAmf0, streamId, name, transaction, object, ...args)
  }

  #onCommand(command: Command): void {
    const { name, transaction, args } = command
    if (name === 'onStatus') this.#onStatus(readStatus(args[0]))
    else if (name === '_result') this.#take(transaction)?.resolve(command)
    else if (name === '_error') {
      this.#take(transaction)?.reject(peerError(readStatus(args[0]), this.stage, this.#address.key))
    } else if (name === 'close') this.#events.onEnd('the server closed the connection')
  }

  #take(transaction: number): Waiter<Command> | undefined {
    const waiter = this.#calls.get(transaction)
    this.#calls.delete(transaction)
    return waiter
  }

  #onStatus(info: StatusInfo): void {
    if (info.level === 'error') this.fail(peerError(info, this.stage, this.#address.key))
    else if (OVER.has(info.code)) this.#events.onEnd(info.description || info.code)
    else if (info.code === 'NetStream.Publish.Start' || PLAYING.has(info.code)) this.#begin()
  }

  #begin(): void {
    if (this.#started === undefined) return
    this.stage = this.stage === 'play' ? 'playing' : 'publishing'
    this.#started.resolve()
    this.#started = undefined
  }

  #onTag(tag: FlvTag): void {
    if (this.stage === 'play') this.#begin() // some servers send media without a status
    this.#events.onTag(tag)
  }

  #onUserControl(event: number): void {
    if (event === USER_CONTROL.streamEof) this.#events.onEnd('the server sent the end of the stream')
  }

  #fail(error: GatewayError): void {
    this.#failure = error
    this.#opened?.reject(error)
    this.#started?.reject(error)
    for (const waiter of this.#calls.values()) waiter.reject(error)
    this.#calls.clear()
    this.#events.onFailure(error)
  }
}
