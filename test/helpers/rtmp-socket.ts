/** A raw RTMP client for tests: says what it likes, in whatever order, and shows what came back. */
import { connect, type Socket } from 'node:net'
import { ChunkReader } from '../../src/adapters/rtmp/chunk-reader.ts'
import { parseCommand, readStatus } from '../../src/adapters/rtmp/commands.ts'
import { RTMP_LIMITS, type RtmpMessage } from '../../src/adapters/rtmp/message.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'
import { until } from './program.ts'
import { chunks, command, simpleHandshake } from './rtmp-memory.ts'

export interface RtmpSocket {
  readonly socket: Socket
  readonly messages: RtmpMessage[]
  /** The server hung up, or reset. */
  isClosed(): boolean
  /** Codes of all onStatus, _result and _error so far. */
  codes(): string[]
  send(...values: readonly AmfValue[]): void
  sendOn(streamId: number, ...values: readonly AmfValue[]): void
  sendMedia(type: number, body: Uint8Array, time?: number): void
  /** connect, createStream, then publish or play, until the server answered. */
  start(purpose: 'publish' | 'play', app: string, key: string): Promise<void>
  close(): void
}

export const openSocket = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket))
    socket.on('error', reject)
  })

export const openRtmp = async (port: number): Promise<RtmpSocket> => {
  const socket = await openSocket(port)
  let skip = 1 + 2 * 1536
  let closed = false
  const messages: RtmpMessage[] = []
  const reader = new ChunkReader(RTMP_LIMITS, message => messages.push(message))
  socket.on('data', bytes => {
    const part = bytes.subarray(Math.min(skip, bytes.length))
    skip -= bytes.length - part.length
    reader.push(part)
  })
  socket.on('close', () => {
    closed = true
  })
  socket.write(simpleHandshake())
  await until('the handshake', () => skip === 0)
  const sendOn = (streamId: number, ...values: readonly AmfValue[]): void =>
    void socket.write(command(values, { streamId }))
  const codes = (): string[] =>
    messages
      .filter(({ type }) => type === 20)
      .map(message => parseCommand(message))
      .map(({ name, args }) => readStatus(args[0]).code || name)
  return {
    socket,
    messages,
    isClosed: () => closed,
    codes,
    send: (...values) => sendOn(0, ...values),
    sendOn,
    sendMedia: (type, body, time = 0) =>
      void socket.write(chunks(type, body, { streamId: 1, csid: type === 9 ? 6 : 4, time })),
    start: async (purpose, app, key) => {
      sendOn(0, 'connect', 1, { app, tcUrl: `rtmp://127.0.0.1/${app}` })
      sendOn(0, 'createStream', 2, null)
      sendOn(1, purpose, 3, null, key, 'live')
      await until(
        () => `an answer to ${purpose}: ${codes()}`,
        () => closed || codes().some(code => code.startsWith('NetStream.')),
      )
    },
    close: () => void socket.destroy(),
  }
}
