/** N light RTMP players in one process: they shake hands, ask for the stream, and count bytes without reading them. */
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { CHUNK_STREAM, writeMessage } from '../../src/adapters/rtmp/chunk-writer.ts'
import { MESSAGE } from '../../src/adapters/rtmp/message.ts'
import { encodeAmf0 } from '../../src/media/amf/amf0-encode.ts'
import type { AmfValue } from '../../src/media/amf/value.ts'

const [port, app, key, players] = process.argv.slice(2) as [string, string, string, string]
const handshakeBytes = 1 + 2 * 1536
const chunkSize = 128

const command = (streamId: number, ...values: readonly AmfValue[]): Uint8Array =>
  writeMessage(CHUNK_STREAM.command, MESSAGE.commandAmf0, streamId, 0, encodeAmf0(...values), chunkSize)

/** All that a player says after the handshake, in one write: servers answer in order. */
const requests = Buffer.concat([
  command(0, 'connect', 1, { app, tcUrl: `rtmp://127.0.0.1:${port}/${app}` }),
  command(0, 'createStream', 2, null),
  command(1, 'play', 3, null, key),
])

let bytes = 0
let playing = 0
let closed = 0

const play = (): void => {
  const socket = connect(Number(port), '127.0.0.1')
  let received = 0
  socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(8), randomBytes(1528)]))
  socket.on('data', chunk => {
    const before = received
    received += chunk.length
    bytes += chunk.length
    if (before < handshakeBytes && received >= handshakeBytes) {
      socket.write(Buffer.concat([Buffer.alloc(1536), requests]))
      playing += 1
    }
  })
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed += 1
  })
}

for (let index = 0; index < Number(players); index += 1) play()
process.on('message', () => process.send?.({ bytes, playing, closed }))
process.on('disconnect', () => process.exit())
