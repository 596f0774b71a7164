/**
 * IVF over TCP: VP8 pictures, each behind twelve bytes that say its length and time, as ffmpeg reads and writes them
 * with `-f ivf tcp://…?listen=1`. A whole adapter: it pulls from `ivf://HOST:PORT` and pushes there.
 */
import { connect, type Socket } from 'node:net'
import {
  type Adapter,
  type AdapterContext,
  type Capability,
  createScope,
  type Egress,
  type Frame,
  GatewayError,
  type Publication,
  type PulledSource,
  type Scope,
  type TrackWriter,
} from 'crosspoint'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 12
/** A picture that claims to be larger is refused before it is waited for. */
const MAX_FRAME_BYTES = 8_000_000
const CLOCK_RATE = 90_000

interface IvfConfig {
  /** The other end must take the connection, and a source begin to send, so soon. */
  readonly waitMs: number
}
/** Any zod schema would do as well. */
const config = {
  parse(input: unknown): IvfConfig {
    const { waitMs = 5000, ...unknown } = (input ?? {}) as Record<string, unknown>
    const [key] = Object.keys(unknown)
    if (key !== undefined) throw new Error(`ivf has no key ${key}, only waitMs`)
    if (!Number.isInteger(waitMs) || Number(waitMs) < 1) throw new Error('ivf.waitMs is not a number of ms')
    return { waitMs: Number(waitMs) }
  },
}

/** Connects to an address that the gateway's policy lets through; the socket goes with `scope`. */
const dial = async (
  context: AdapterContext,
  { waitMs }: IvfConfig,
  url: URL,
  scope: Scope,
): Promise<Socket> => {
  if (url.port === '') throw new GatewayError('bad-url', `${url.href} names no port`)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const [found] = (await context.resolveHost?.(host)) ?? [{ address: host }]
  const socket = connect(Number(url.port), found?.address ?? host)
  scope.defer(() => void socket.destroy())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const failed = (error: Error): void =>
    reject(new GatewayError('connect-failed', `${url.host}: ${error.message}`, { cause: error }))
  const late = context.clock.after(waitMs * 1000, () =>
    reject(new GatewayError('timeout', `${url.host} did not answer within ${waitMs} ms`)),
  )
  socket.once('connect', resolve).once('error', failed)
  try {
    await promise
  } finally {
    late()
    socket.off('error', failed)
  }
  return socket
}

/** Ends `scope` with the connection, and says why. */
const endWith = (socket: Socket, scope: Scope, host: string): void => {
  socket.once('error', error => void scope.close({ code: 'failed', detail: `${host}: ${error.message}` }))
  socket.once('close', () => void scope.close({ code: 'source-ended', detail: `${host} has ended` }))
}

interface Header {
  readonly width: number
  readonly height: number
  /** Ticks of 90 kHz in one unit of the file's own time. */
  readonly scale: number
}
const readHeader = (bytes: Buffer): Header => {
  const [mark, codec] = [bytes.toString('latin1', 0, 4), bytes.toString('latin1', 8, 12)]
  if (mark !== 'DKIF') throw new GatewayError('malformed', 'this is not IVF')
  if (codec !== 'VP80') throw new GatewayError('unsupported-codec', `IVF with ${codec}, only VP80 is read`)
  const [rate, scale] = [bytes.readUInt32LE(16), bytes.readUInt32LE(20)]
  if (rate === 0) throw new GatewayError('malformed', 'IVF without a frame rate')
  return { width: bytes.readUInt16LE(12), height: bytes.readUInt16LE(14), scale: (CLOCK_RATE * scale) / rate }
}

/** Takes bytes as they come and writes pictures into the stream. */
class IvfReader {
  readonly #publication: Publication
  readonly #now: () => number
  #waiting: Buffer = Buffer.alloc(0)
  #header: Header | undefined
  #track: TrackWriter<'frame'> | undefined
  #params: Frame['params'] | undefined

  constructor(publication: Publication, now: () => number) {
    this.#publication = publication
    this.#now = now
  }

  /** @throws GatewayError for bytes that are not IVF */
  push(chunk: Buffer): void {
    this.#waiting = this.#waiting.length === 0 ? chunk : Buffer.concat([this.#waiting, chunk])
    if (this.#header === undefined && this.#waiting.length >= HEADER_BYTES) this.#begin()
    if (this.#header !== undefined) while (this.#readFrame(this.#header)) {}
  }

  #begin(): void {
    this.#header = readHeader(this.#waiting)
    const { width, height } = this.#header
    this.#params = { codec: 'vp8', kind: 'video', clockRate: CLOCK_RATE, profile: 0, size: { width, height } }
    this.#track = this.#publication.addTrack({ id: 'video', native: 'frame', params: this.#params })
    this.#publication.ready()
    this.#waiting = this.#waiting.subarray(HEADER_BYTES)
  }

  /** false: not all of it is there yet. */
  #readFrame({ scale }: Header): boolean {
    if (this.#waiting.length < FRAME_HEADER_BYTES) return false
    const bytes = this.#waiting.readUInt32LE(0)
    if (bytes > MAX_FRAME_BYTES) throw new GatewayError('malformed', `an IVF picture of ${bytes} bytes`)
    const end = FRAME_HEADER_BYTES + bytes
    if (this.#waiting.length < end) return false
    const pts = Math.round(Number(this.#waiting.readBigUInt64LE(4)) * scale)
    // Published bytes are kept by readers and never written again, so they are not a part of a buffer that is.
    const data = Buffer.from(this.#waiting.subarray(FRAME_HEADER_BYTES, end))
    this.#waiting = this.#waiting.subarray(end)
    this.#write(data, pts)
    return true
  }

  #write(data: Buffer, pts: number): void {
    if (data.length === 0 || this.#params === undefined) return
    this.#track?.write({
      ...{ units: [data], pts, dts: pts, duration: 0, params: this.#params, discontinuity: false },
      // RFC 6386, section 9.1: the first bit of a key frame is 0.
      key: (data[0]! & 1) === 0,
      arrival: this.#now(),
    })
  }
}

const pull = async (
  context: AdapterContext,
  ivf: IvfConfig,
  url: URL,
  publication: Publication,
): Promise<PulledSource> => {
  const scope = createScope(`ivf ${url.host}`, { signal: publication.signal })
  try {
    const socket = await dial(context, ivf, url, scope)
    endWith(socket, scope, url.host)
    const reader = new IvfReader(publication, () => context.clock.now())
    socket.on('data', chunk => {
      try {
        reader.push(chunk)
      } catch (error) {
        void scope.close({ code: 'failed', detail: `${url.host}: ${(error as Error).message}` })
      }
    })
    return scope
  } catch (error) {
    await scope.close({ code: 'failed', detail: (error as Error).message })
    throw error
  }
}

const headerFor = ({ params }: Frame): Buffer => {
  const { width, height } = ('size' in params && params.size) || { width: 0, height: 0 }
  const bytes = Buffer.alloc(HEADER_BYTES)
  bytes.write('DKIF', 0, 'latin1')
  bytes.writeUInt16LE(HEADER_BYTES, 6)
  bytes.write('VP80', 8, 'latin1')
  bytes.writeUInt16LE(width, 12)
  bytes.writeUInt16LE(height, 14)
  bytes.writeUInt32LE(CLOCK_RATE, 16)
  bytes.writeUInt32LE(1, 20)
  return bytes
}

/** Synchronous: what the socket does not take waits in it, and `backlog` says how much. */
const writeTo = (socket: Socket): ((frame: Frame) => void) => {
  let first: number | undefined
  return frame => {
    if (first === undefined) socket.write(headerFor(frame))
    first ??= frame.pts
    const [data] = frame.units
    if (data === undefined) return
    const head = Buffer.alloc(FRAME_HEADER_BYTES)
    head.writeUInt32LE(data.length, 0)
    head.writeBigUInt64LE(BigInt(Math.max(0, frame.pts - first)), 4)
    socket.write(head)
    socket.write(data)
  }
}

const push = async (context: AdapterContext, ivf: IvfConfig, url: URL): Promise<Egress> => {
  const scope = createScope(`ivf ${url.host}`)
  try {
    const socket = await dial(context, ivf, url, scope)
    endWith(socket, scope, url.host)
    return {
      close: reason => scope.close(reason),
      closed: scope.closed,
      signal: scope.signal,
      [Symbol.asyncDispose]: () => scope.close(),
      label: `ivf ${url.host}`,
      // Half a second of pictures may wait; then they are left out up to the next key frame, and after ten it is let go.
      pressure: { mode: 'drop-to-key', highWater: 512_000, giveUpMs: 10_000 },
      accepts: () => [{ kind: 'video', codec: 'vp8', form: 'frame' }],
      open: tracks => tracks.map(() => ({ form: 'frame', sink: { write: writeTo(socket) } })),
      backlog: () => socket.writableLength,
    }
  } catch (error) {
    await scope.close({ code: 'failed', detail: (error as Error).message })
    throw error
  }
}

const vp8: readonly Capability[] = [{ codec: 'vp8', form: 'frame' }]

export const ivf: Adapter<IvfConfig> = {
  name: 'ivf',
  schemes: ['ivf'],
  config,
  ingests: vp8,
  egresses: vp8,
  pull,
  push,
}
