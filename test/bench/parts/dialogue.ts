/** What a light RTMP client says. Answers are looked at only as far as they are waited for. */
import { randomBytes } from 'node:crypto'
import { CHUNK_STREAM, writeMessage } from '../../../src/adapters/rtmp/chunk-writer.ts'
import { MESSAGE } from '../../../src/adapters/rtmp/message.ts'
import { encodeAmf0 } from '../../../src/media/amf/amf0-encode.ts'
import type { AmfValue } from '../../../src/media/amf/value.ts'

export const APP = 'live'
export const KEY = 'bench'
export const HANDSHAKE_BYTES = 1 + 2 * 1536
const DEFAULT_CHUNK_SIZE = 128

const command = (streamId: number, ...values: readonly AmfValue[]): Uint8Array =>
  writeMessage(
    CHUNK_STREAM.command,
    MESSAGE.commandAmf0,
    streamId,
    0,
    encodeAmf0(...values),
    DEFAULT_CHUNK_SIZE,
  )

/** C0 and C1. */
export const hello = (): Buffer => Buffer.concat([Buffer.from([3]), Buffer.alloc(8), randomBytes(1528)])
/** C2, which nobody checks. */
export const helloAgain = (): Buffer => Buffer.alloc(1536)

export const connectCommand = (port: number): Uint8Array =>
  command(0, 'connect', 1, { app: APP, tcUrl: `rtmp://127.0.0.1:${port}/${APP}` })
export const createStreamCommand = (): Uint8Array => command(0, 'createStream', 2, null)
export const startCommand = (purpose: 'play' | 'publish'): Uint8Array =>
  command(1, purpose, 3, null, KEY, ...(purpose === 'publish' ? ['live'] : []))

/** All that follows the server's hello, in one write: servers answer in order. */
export const allRequests = (port: number, purpose: 'play' | 'publish'): Buffer =>
  Buffer.concat([helloAgain(), connectCommand(port), createStreamCommand(), startCommand(purpose)])
