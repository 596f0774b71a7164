/** Somebody sets a clock, of this host or of a publisher, a day on and two days back: no stream ends, and its times go on. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { GatewayEvent } from '../../src/events/event.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { ntpMiddle, wallToNtp } from '../../src/media/rtcp/ntp.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import { flvPicture, openingMessages } from '../helpers/honest-stream.ts'
import { ManualClock, settle } from '../helpers/manual-clock.ts'
import { h264Frames } from '../helpers/media-fixtures.ts'
import { until } from '../helpers/program.ts'
import { openRtmp, type RtmpSocket } from '../helpers/rtmp-socket.ts'
import { strictLog } from '../helpers/strict-log.ts'
import { rtpBytes, TestPeer, VIDEO_PT } from '../helpers/webrtc-peer.ts'

const dayMs = 86_400_000
const pictureMs = 40

let gateway: Gateway
let clock: ManualClock
let events: GatewayEvent[]
const faults: string[] = []
const clients: RtmpSocket[] = []

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterAll(() => void vi.useRealTimers())
beforeEach(async () => {
  clock = new ManualClock()
  events = []
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await gateway.close()
  expect(faults).toEqual([])
})

const start = async (own?: ManualClock): Promise<void> => {
  const anywhere = { listen: '127.0.0.1:0' }
  const config = { http: anywhere, rtmp: anywhere, webrtc: anywhere, transcode: { enabled: false } }
  gateway = await createGateway(config, { log: strictLog(faults), ...(own && { clock: own }) })
  gateway.events.on(event => void events.push(event))
}
const portOf = (door: string): number => gateway.doors.get(door)!.port

const openClient = async (purpose: 'publish' | 'play', name: string): Promise<RtmpSocket> => {
  const client = await openRtmp(portOf('rtmp'))
  clients.push(client)
  await client.start(purpose, 'live', name)
  return client
}
const publish = async (name: string): Promise<RtmpSocket> => {
  const publisher = await openClient('publish', name)
  for (const [type, body] of openingMessages) publisher.sendMedia(type, body)
  return publisher
}
/** Milliseconds of the pictures that a player was given. */
const timesOf = (player: RtmpSocket): number[] =>
  player.messages
    .filter(({ type, body }) => type === 9 && body[1] === 1)
    .map(({ timestampMs }) => timestampMs)

/** A minute is more than any of this takes. */
const expectOneLine = (times: readonly number[]): void => {
  expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
  expect(times.at(-1)! - times[0]!).toBeLessThan(60_000)
}
const endings = (): string[] =>
  events.filter(({ type }) => /closed|left/.test(type)).map(({ type, reason }) => `${type}: ${reason}`)

test('the clock of this host, also while a publisher is away', async () => {
  await start()
  let publisher = await publish('cam')
  publisher.sendMedia(9, flvPicture(0, true), 0)
  const player = await openClient('play', 'cam')
  let sent = 1
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++, sent++)
      publisher.sendMedia(9, flvPicture(sent, i === 0), sent * pictureMs)
    await until(
      () => `${sent} pictures come: ${timesOf(player).length}`,
      () => timesOf(player).length === sent,
    )
  }
  await send(5)
  for (const stepMs of [dayMs, -2 * dayMs]) {
    vi.setSystemTime(Date.now() + stepMs)
    await send(5)
    publisher.close()
    await until('it is missed', () => gateway.registry.find('live/cam')?.state === 'waiting')
    vi.setSystemTime(Date.now() + stepMs)
    publisher = await publish('cam')
    await send(5)
  }
  expectOneLine(timesOf(player))
  expect(endings()).toEqual([])
  expect(events.filter(({ type }) => type === 'stream:resumed')).toHaveLength(2)
})

test('the clock of a publisher, as its sender reports tell it', async () => {
  await start(clock)
  const url = `http://127.0.0.1:${portOf('http')}/whip/live/phone`
  await using peer = new TestPeer({ direction: 'sendonly' })
  expect((await peer.post(url)).status).toBe(201)
  await peer.connect()
  const frames = h264Frames('h264-baseline')
  const key = frames.find(frame => frame.key)!
  let seq = 0
  const packetiser = createPacketiser(key.params, { maxPayload: 1188 }, ({ bytes, ts, marker }) => {
    const payload = bytes.subarray(12)
    peer.sendRtp(rtpBytes({ ssrc: 1, seq: seq++, ts, pt: VIDEO_PT, marker, payload }))
  })
  let sent = 0
  let setMs = 0
  const report = (): void => {
    const wall = clock.wall() + setMs * 1000
    const middle = ntpMiddle(wallToNtp(wall))
    const sums = { packets: seq, bytes: seq * 1000, blocks: [] }
    peer.sendRtcp([
      { type: 'sender-report', ssrc: 1, wall, ntpMiddle: middle, timestamp: sent * 90 * pictureMs, ...sums },
    ])
  }
  const isThere = (): boolean => (gateway.registry.find('live/phone')?.tracks[0]?.stats?.units ?? 0) >= seq
  const send = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      if (sent % 10 === 0) report()
      const ts = sent++ * 90 * pictureMs
      packetiser.push({ ...(i === 0 ? key : frames[1]!), pts: ts, dts: ts, arrival: clock.now() })
      for (let turns = 0; turns < 50 && !isThere(); turns++) await settle()
      await until('the packets come', isThere)
      clock.advance(pictureMs * 1000)
    }
  }
  await send(1)
  const player = await openClient('play', 'phone')
  await send(50)
  for (setMs of [dayMs, -dayMs]) await send(100)
  await until('all are played', () => timesOf(player).length >= sent - 2)
  expectOneLine(timesOf(player))
  expect(timesOf(player).at(-1)! - timesOf(player)[0]!).toBeLessThan(sent * pictureMs * 1.1)
  expect(endings()).toEqual([])
})
