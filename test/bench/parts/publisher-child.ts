/** Publishes 30 marked pictures and 47 AAC frames a second: arguments are the port of an RTMP server. Ends with its parent. */
import { connect } from 'node:net'
import { CHUNK_STREAM, writeMessage } from '../../../src/adapters/rtmp/chunk-writer.ts'
import { MESSAGE } from '../../../src/adapters/rtmp/message.ts'
import { allRequests, HANDSHAKE_BYTES, hello } from './dialogue.ts'
import { createPicture, createSound, PICTURES_PER_KEY, stamp } from './marks.ts'

const port = Number(process.argv[2])
const chunkSize = 60_000
const streamId = 1
const pictureMs = 1000 / 30
const soundMs = 1024 / 48

// H.264 baseline 320x180 (its SPS has 22 bytes), AAC-LC 48 kHz stereo.
const avcHeader = Buffer.from(
  '17000000000142c00dffe10016' + '6742c00dd9014197f016a02020280000030008000003' + '01000468cb83cb',
  'hex',
)
const aacHeader = Buffer.from('af001190', 'hex')

const socket = connect({ port, host: '127.0.0.1', noDelay: true })
const send = (type: number, timeMs: number, body: Uint8Array): void => {
  const chunkStream = type === MESSAGE.video ? CHUNK_STREAM.video : CHUNK_STREAM.audio
  socket.write(writeMessage(chunkStream, type, streamId, Math.round(timeMs), body, chunkSize))
}

/** Calls `act` every `periodMs`, without drift. */
const every = (periodMs: number, act: (index: number) => void): void => {
  const start = performance.now()
  let index = 0
  const turn = (): void => {
    act(index++)
    setTimeout(turn, Math.max(0, start + index * periodMs - performance.now()))
  }
  turn()
}

const sendPicture = (index: number): void => {
  const picture = createPicture(index % PICTURES_PER_KEY === 0)
  stamp(picture)
  send(MESSAGE.video, index * pictureMs, picture)
}

const sendSound = (index: number): void => {
  const sound = createSound()
  stamp(sound)
  send(MESSAGE.audio, index * soundMs, sound)
}

const publish = (): void => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(chunkSize)
  socket.write(writeMessage(CHUNK_STREAM.control, MESSAGE.setChunkSize, 0, 0, size, chunkSize))
  send(MESSAGE.video, 0, avcHeader)
  send(MESSAGE.audio, 0, aacHeader)
  every(pictureMs, sendPicture)
  every(soundMs, sendSound)
  process.send?.('publishing')
}

let received = Buffer.alloc(0)
let requested = false
const onAnswer = (bytes: Buffer): void => {
  received = Buffer.concat([received, bytes])
  if (!requested && received.length >= HANDSHAKE_BYTES) {
    requested = true
    socket.write(allRequests(port, 'publish'))
  }
  if (!received.includes('NetStream.Publish.Start')) return
  socket.off('data', onAnswer)
  socket.resume()
  publish()
}

socket.write(hello())
socket.on('data', onAnswer)
socket.on('close', () => process.exit(1))
process.on('disconnect', () => process.exit())
