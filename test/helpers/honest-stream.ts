/** One publisher and one player of a gateway that must not notice what happens beside them, to the byte. */
import { expect } from 'vitest'
import { until } from './program.ts'
import { openRtmp, type RtmpSocket } from './rtmp-socket.ts'

// H.264 baseline 320x180 (its SPS has 22 bytes), AAC-LC 44.1 kHz stereo.
const avcHeader = Buffer.from(
  '17000000000142c00dffe10016' + '6742c00dd9014197f016a02020280000030008000003' + '01000468cb83cb',
  'hex',
)
const aacHeader = Buffer.from('af001210', 'hex')
const sound = Buffer.from('af012110', 'hex')

/** What a publisher sends before its first picture: type and body of each message. */
export const openingMessages: readonly (readonly [type: number, body: Buffer])[] = [
  [9, avcHeader],
  [8, aacHeader],
  [8, sound],
]

/** Picture `number` as FLV video body. */
export const flvPicture = (number: number, key: boolean, size = 200): Buffer => {
  const body = Buffer.alloc(11 + size, number)
  body.set([key ? 0x17 : 0x27, 1, 0, 0, 0])
  body.writeUInt32BE(size + 2, 5)
  body.set([key ? 0x65 : 0x41, 0x88], 9)
  return body
}

export interface HonestStream {
  readonly publisher: RtmpSocket
  readonly player: RtmpSocket
  /** Publishes so many pictures more. */
  send(count: number): void
  /** The player has got all of them and nothing else. */
  check(): Promise<void>
  close(): void
}

const picturesOf = (player: RtmpSocket): readonly Buffer[] =>
  player.messages.filter(({ type }) => type === 9).map(({ body }) => Buffer.from(body))

/** `live/KEY` at an RTMP server on this port of the loopback. */
export const startHonestStream = async (port: number, key = 'honest'): Promise<HonestStream> => {
  const sent: Buffer[] = []
  const publisher = await openRtmp(port)
  await publisher.start('publish', 'live', key)
  const send = (count: number): void => {
    for (let times = 0; times < count; times++) {
      const body = flvPicture(sent.length, sent.length % 10 === 0)
      sent.push(body)
      publisher.sendMedia(9, body, sent.length * 40)
    }
  }
  for (const [type, body] of openingMessages) publisher.sendMedia(type, body)
  send(1)
  const player = await openRtmp(port)
  await player.start('play', 'live', key)
  return {
    publisher,
    player,
    send,
    async check() {
      send(1)
      await until(
        () => `all ${sent.length} pictures came, ${picturesOf(player).length - 1} did; ${player.codes()}`,
        () => player.isClosed() || picturesOf(player).length > sent.length,
      )
      expect(
        picturesOf(player)
          .slice(1)
          .map(body => body.toString('hex')),
      ).toEqual(sent.map(body => body.toString('hex')))
      expect([publisher.isClosed(), player.isClosed()]).toEqual([false, false])
    },
    close() {
      publisher.close()
      player.close()
    },
  }
}
