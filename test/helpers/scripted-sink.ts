/** An RTMP server that takes what is published, or misbehaves as it is told, connection by connection. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { ChunkReader } from '../../src/adapters/rtmp/chunk-reader.ts'
import { parseCommand } from '../../src/adapters/rtmp/commands.ts'
import { RTMP_LIMITS, type RtmpMessage } from '../../src/adapters/rtmp/message.ts'
import { writeFileHeader, writeTag } from '../../src/media/flv/file.ts'
import type { FlvTag, FlvTagType } from '../../src/media/flv/types.ts'
import { chunks, command } from './rtmp-memory.ts'

/** What becomes of a connection. */
export type Behaviour =
  /** Everything is taken and acknowledged. */
  | 'take'
  /** BadName in answer to publish. */
  | 'bad-name'
  /** Publish.Start, then it hangs up in order. */
  | 'hang-up'
  /** A TCP reset after the first picture. */
  | 'reset'
  /** Takes and acknowledges two seconds of media, then reads no more. */
  | 'stop-reading'

export interface SinkTag extends FlvTag {
  /** Milliseconds of the process's clock. */
  readonly at: number
}
export interface SinkConnection {
  readonly at: number
  /** The key that was published. */
  key: string
  readonly tags: SinkTag[]
  closedAt: number | undefined
  readonly socket: Socket
}
export interface ScriptedSink {
  readonly port: number
  readonly connections: readonly SinkConnection[]
  url(key: string): string
  close(): Promise<void>
}

const HANDSHAKE = 1536
const ACK_EVERY = 50_000

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
const status = (code: string, level = 'status'): Buffer =>
  command(['onStatus', 0, null, { level, code, description: 'scripted' }], { streamId: 1 })

const serve = (socket: Socket, connection: SinkConnection, behaviour: Behaviour): void => {
  let head = Buffer.alloc(0)
  let handshake: 'hello' | 'echo' | 'done' = 'hello'
  let received = 0
  let acknowledged = 0

  const onCommand = (message: RtmpMessage): void => {
    const { name, transaction, args } = parseCommand(message)
    if (name === 'connect')
      socket.write(
        command(['_result', transaction, {}, { level: 'status', code: 'NetConnection.Connect.Success' }]),
      )
    if (name === 'createStream') socket.write(command(['_result', transaction, null, 1]))
    if (name !== 'publish') return
    connection.key = String(args[0])
    if (behaviour === 'bad-name') socket.write(status('NetStream.Publish.BadName', 'error'))
    else socket.write(status('NetStream.Publish.Start'))
    if (behaviour === 'hang-up') socket.end()
  }
  const onTag = ({ type, timestampMs, body }: RtmpMessage): void => {
    connection.tags.push({ type: type as FlvTagType, timestampMs, body, at: performance.now() })
    const pictures = connection.tags.filter(tag => tag.type === 9)
    if (behaviour === 'reset' && pictures.length > 1) socket.resetAndDestroy()
    const spanMs = timestampMs - (pictures[0]?.timestampMs ?? timestampMs)
    if (behaviour === 'stop-reading' && spanMs > 2000) socket.pause()
  }
  const reader = new ChunkReader(RTMP_LIMITS, message => {
    if (message.type === 20) onCommand(message)
    if (message.type === 8 || message.type === 9 || message.type === 18) onTag(message)
  })
  const acknowledge = (): void => {
    if (received - acknowledged < ACK_EVERY || socket.isPaused()) return
    acknowledged = received
    socket.write(chunks(3, u32(received), { csid: 2 }))
  }
  socket.on('data', bytes => {
    received += bytes.length
    if (handshake === 'done') {
      reader.push(bytes)
      acknowledge()
      return
    }
    head = Buffer.concat([head, bytes])
    if (handshake === 'hello' && head.length >= 1 + HANDSHAKE) {
      socket.write(Buffer.concat([Buffer.of(3), Buffer.alloc(HANDSHAKE), head.subarray(1, 1 + HANDSHAKE)]))
      handshake = 'echo'
    }
    if (handshake === 'echo' && head.length >= 1 + 2 * HANDSHAKE) {
      handshake = 'done'
      reader.push(head.subarray(1 + 2 * HANDSHAKE))
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    connection.closedAt = performance.now()
  })
}

/** `script` says what becomes of connection number `n`, counted from 0. */
export const startScriptedSink = (script: (n: number) => Behaviour): Promise<ScriptedSink> =>
  new Promise(resolve => {
    const connections: SinkConnection[] = []
    const server = createServer(socket => {
      const connection: SinkConnection = {
        at: performance.now(),
        key: '',
        tags: [],
        closedAt: undefined,
        socket,
      }
      connections.push(connection)
      serve(socket, connection, script(connections.length - 1))
    })
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      resolve({
        port,
        connections,
        url: key => `rtmp://127.0.0.1:${port}/live/${key}`,
        close: () =>
          new Promise(done => {
            for (const { socket } of connections) socket.destroy()
            server.close(() => done())
          }),
      })
    })
  })

/** What one connection got, as an FLV file. Metadata is left out: publishers wrap it. */
export const asFlv = ({ tags }: SinkConnection): Buffer => {
  const media = tags.filter(({ type }) => type !== 18)
  const has = (kind: FlvTagType): boolean => media.some(({ type }) => type === kind)
  return Buffer.concat([writeFileHeader(has(9), has(8)), ...media.map(tag => writeTag(tag))])
}

const isConfig = ({ type, body }: FlvTag): boolean =>
  (type === 9 && body[1] === 0) || (type === 8 && body[0]! >> 4 === 10 && body[1] === 0)

/** Times of the frames of one kind, sequence headers left out. */
export const timesOf = ({ tags }: SinkConnection, type: 8 | 9): number[] =>
  tags.filter(tag => tag.type === type && !isConfig(tag)).map(({ timestampMs }) => timestampMs)

/** Times of the key frames. */
export const keyTimesOf = ({ tags }: SinkConnection): number[] =>
  tags
    .filter(tag => tag.type === 9 && !isConfig(tag) && tag.body[0]! >> 4 === 1)
    .map(({ timestampMs }) => timestampMs)

/** The longest distance between neighbours; negative when they ever run back. */
export const gapsOf = (times: readonly number[]): { longest: number; shortest: number } => {
  const gaps = times.slice(1).map((time, i) => time - times[i]!)
  return { longest: Math.max(...gaps), shortest: Math.min(...gaps) }
}
