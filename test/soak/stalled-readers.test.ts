/**
 * Twenty readers that stop reading and do not leave, for a minute by the gateway's clock. What waits for them is
 * bounded, each is let go with a reason that has numbers, and who reads beside them misses nothing.
 */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrackWriter } from '../../src/core/types.ts'
import type { GatewayEvent } from '../../src/events/event.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { h264, picture } from '../helpers/core-media.ts'
import { ManualClock, settle } from '../helpers/manual-clock.ts'
import { until } from '../helpers/program.ts'
import { heapInUse } from '../helpers/resources.ts'
import { openRtmp, type RtmpSocket } from '../helpers/rtmp-socket.ts'
import { strictLog } from '../helpers/strict-log.ts'
import { TestPeer } from '../helpers/webrtc-peer.ts'

const giveUpMs = 60_000
const highWater = 256 << 10
const pictureBytes = 30_000
const pictureUs = 33_333
const overTcp = 8
const overUdp = 4
const stalled = 2 * overTcp + overUdp
/** What may wait for each, twice for what is on its way, and room for garbage. */
const mayGrow = stalled * (highWater + 2 * pictureBytes) + (4 << 20)

let gateway: Gateway
let video: TrackWriter<'frame'>
const clock = new ManualClock()
const faults: string[] = []
const left: GatewayEvent[] = []
const ends: (() => void)[] = []

beforeAll(async () => {
  const config = {
    http: { listen: '127.0.0.1:0' },
    rtmp: { listen: '127.0.0.1:0', readerHighWaterBytes: highWater, readerGiveUpMs: giveUpMs },
    webrtc: { listen: '127.0.0.1:0' },
    flv: { viewerHighWaterBytes: highWater, viewerGiveUpMs: giveUpMs },
    transcode: { enabled: false },
  }
  gateway = await createGateway(config, { log: strictLog(faults), clock })
  gateway.events.on(event => void (event.type === 'subscriber:left' && left.push(event)))
  const publication = gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
  publication.ready()
})
afterAll(async () => {
  for (const end of ends) end()
  await gateway.close()
})

const doorOf = (name: string): number => gateway.doors.get(name)!.port

const playRtmp = async (): Promise<RtmpSocket> => {
  const player = await openRtmp(doorOf('rtmp'))
  ends.push(() => player.close())
  await player.start('play', 'live', 'cam')
  return player
}

const playHttp = async (onData: (bytes: Buffer) => void): Promise<Socket> => {
  const socket = connect(doorOf('http'), '127.0.0.1')
  ends.push(() => void socket.destroy())
  let size = 0
  socket.on('data', bytes => {
    size += bytes.length
    onData(bytes)
  })
  socket.on('error', () => undefined)
  socket.write('GET /live/cam.flv HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n')
  await until('an answer', () => size > 0)
  return socket
}

const playWebRtc = async (): Promise<TestPeer> => {
  const peer = new TestPeer({ direction: 'recvonly' })
  ends.push(() => void peer[Symbol.asyncDispose]())
  expect((await peer.post(`http://127.0.0.1:${doorOf('http')}/whep/live/cam`)).status).toBe(201)
  await peer.connect()
  return peer
}

/** Readers that read: how much each has got of it. */
interface Honest {
  readonly rtmp: RtmpSocket
  readonly webrtc: TestPeer
  pictures: number
  bytes: number
  marks: number
}

const startHonest = async (): Promise<Honest> => {
  const webrtc = await playWebRtc()
  const honest: Honest = { rtmp: await playRtmp(), webrtc, pictures: 0, bytes: 0, marks: 0 }
  await playHttp(bytes => {
    honest.bytes += bytes.length
  })
  webrtc.onRtp = bytes => {
    if ((bytes[1]! & 0x80) !== 0) honest.marks++
    webrtc.rtp.length = 0
  }
  return honest
}

/** A picture and a thirtieth of a second; those who read have got it before the next one comes. */
const sendPicture = async (i: number, honest: Honest): Promise<void> => {
  video.write(picture(i, h264, 10, pictureBytes))
  clock.advance(pictureUs)
  const { messages } = honest.rtmp
  const isRead = (): boolean => {
    honest.pictures += messages.filter(({ type, body }) => type === 9 && body[1] === 1).length
    messages.length = 0
    return honest.pictures > i && honest.bytes > (i + 1) * pictureBytes && honest.marks > i
  }
  for (let turns = 0; turns < 100 && !isRead(); turns++) await settle()
  await until(
    () => `${i + 1} pictures are read: ${honest.pictures}, ${honest.bytes} B, ${honest.marks}`,
    isRead,
  )
}

const stall = async (): Promise<void> => {
  for (let i = 0; i < overTcp; i++) {
    const player = await playRtmp()
    player.socket.on('error', () => undefined)
    player.socket.pause()
    ;(await playHttp(() => undefined)).pause()
  }
  // Nobody hears whether they read: they are missed when they stop saying that they are there.
  for (let i = 0; i < overUdp; i++) (await playWebRtc()).loses = () => true
}

test(`${stalled} readers that stop reading for a minute`, { timeout: 120_000 }, async () => {
  const honest = await startHonest()
  await stall()
  const readers = gateway.registry.find('live/cam')!.subscribers
  expect(readers).toHaveLength(stalled + 3)
  let pictures = 0
  for (; pictures < 30; pictures++) await sendPicture(pictures, honest)
  const before = heapInUse()
  let most = 0
  while (left.length < stalled && pictures < 5_000) {
    await sendPicture(pictures++, honest)
    if (pictures % 100 !== 0) continue
    await honest.webrtc.check()
    most = Math.max(most, heapInUse() - before)
  }
  const said = left.map(({ data, reason }) => `${String(data!.label).split(' ')[0]}: ${reason}`).sort()
  const slow = (name: string, label: string): string =>
    `^${name}: slow-subscriber: ${label} .* was too slow for 600\\d\\d ms: \\d{6} bytes wait, ${highWater} may$`
  const patterns = [
    ...new Array(overTcp).fill(slow('http-flv', 'http-flv')),
    ...new Array(overTcp).fill(slow('rtmp', 'rtmp')),
    ...new Array(overUdp).fill('^whep: timeout: no STUN check for 30 s'),
  ]
  expect(said).toEqual(patterns.map(pattern => expect.stringMatching(pattern)))
  expect(pictures * pictureBytes).toBeGreaterThan(4 * mayGrow)
  expect(most).toBeLessThan(mayGrow)
  const kept = gateway.registry.find('live/cam')!.subscribers
  expect(kept.map(({ stats }) => stats.dropped)).toEqual([0, 0, 0])
  const sent = kept.map(({ link }) => link?.sentBytes ?? 0).filter(bytes => bytes > 0)
  expect(sent).toHaveLength(2)
  for (const bytes of sent) expect(bytes / (pictures * pictureBytes)).toBeCloseTo(1, 1)
  expect([honest.pictures, honest.marks]).toEqual([pictures, pictures])
  expect(faults).toEqual([])
})
