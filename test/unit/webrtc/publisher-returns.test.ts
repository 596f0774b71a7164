/** What a viewer is sent when its publisher is lost and comes back: one SSRC, and numbers that go on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import { h264, picture } from '../../helpers/core-media.ts'
import { startWebRtcGateway, type WebRtcGateway } from '../../helpers/webrtc-gateway.ts'
import { rtpBytes, TestPeer, until, VIDEO_PT } from '../../helpers/webrtc-peer.ts'

let gateway: WebRtcGateway
beforeEach(async () => {
  const continuity = () => ({ graceMs: 10_000, graceOnUnpublish: false, takeOverAfterMs: 2000 })
  gateway = await startWebRtcGateway({ registry: { continuity } })
})
afterEach(() => gateway[Symbol.asyncDispose]())

const state = (): string | undefined => gateway.registry.find('a')?.state
const publisher = async (): Promise<{ peer: TestPeer; leave: () => Promise<Response> }> => {
  const peer = new TestPeer({ direction: 'sendonly' })
  const response = await peer.post(`${gateway.origin}/whip/a`)
  await peer.connect()
  await until('the stream', () => gateway.registry.find('a')?.publisher !== undefined && state() === 'ready')
  const location = response.headers.get('location')!
  return { peer, leave: () => fetch(gateway.origin + location, { method: 'DELETE' }) }
}
const watch = async (): Promise<TestPeer> => {
  const viewer = new TestPeer({ direction: 'recvonly' })
  expect((await viewer.post(`${gateway.origin}/whep/a`)).status).toBe(201)
  await viewer.connect()
  await until('the viewer', () => gateway.registry.find('a')?.subscribers.length === 1)
  return viewer
}
const idr = (seq: number, ssrc: number): Buffer => {
  const payload = Buffer.from([0x65, 0x88, 1, 2])
  return rtpBytes({ ssrc, seq, ts: seq * 3000, pt: VIDEO_PT, marker: true, payload })
}
const numbersOf = ({ rtp }: TestPeer) =>
  rtp.map(bytes => ({ seq: bytes.readUInt16BE(2), ts: bytes.readUInt32BE(4), ssrc: bytes.readUInt32BE(8) }))

/** Milliseconds on the viewer's time line between two packets. */
const between = (viewer: TestPeer, one: number, other: number): number => {
  const numbers = numbersOf(viewer)
  return ((numbers[other]!.ts - numbers[one]!.ts) | 0) / 90
}

describe('a viewer whose publisher is lost', () => {
  test('is not told to go when the connection was closed without a DELETE; over WHIP again it goes on', async () => {
    const first = await publisher()
    await using viewer = await watch()
    first.peer.sendRtp(idr(1, 5))
    await until('media', () => viewer.rtp.length === 1)
    const lostAt = performance.now()
    first.peer.closeDtls()
    await until('the loss', () => state() === 'waiting')
    const second = await publisher()
    second.peer.sendRtp(idr(40_000, 77))
    await until('media again', () => viewer.rtp.length === 2)
    const awayMs = performance.now() - lostAt
    const [before, after] = numbersOf(viewer)
    expect(after!.ssrc).toBe(before!.ssrc)
    // One number is left out, so that nobody takes the halves of two frames for one.
    expect((after!.seq - before!.seq) & 0xffff).toBe(2)
    expect(Math.abs(between(viewer, 0, 1) - awayMs)).toBeLessThan(100)
    expect(viewer.received('bye')).toEqual([])
    await second.leave()
    await until('BYE', () => viewer.received('bye').length > 0)
    expect(state()).toBeUndefined()
    for (const { peer } of [first, second]) await peer[Symbol.asyncDispose]()
  })

  test('goes on with what comes over another protocol', async () => {
    const first = await publisher()
    await using viewer = await watch()
    first.peer.sendRtp(idr(1, 5))
    await until('media', () => viewer.rtp.length === 1)
    const lostAt = performance.now()
    first.peer.closeDtls()
    await until('the loss', () => state() === 'waiting')
    const second = gateway.registry.publish('a', { label: 'rtmp', onConflict: 'as-allowed' })
    const video = second.addTrack({ id: 'video', native: 'frame', params: h264 })
    second.ready()
    await until('the new plan', () => video.demand > 0)
    for (const i of [0, 1, 2]) video.write({ ...picture(i, h264), arrival: systemClock.now() })
    await until('media again', () => viewer.rtp.length >= 4)
    const awayMs = performance.now() - lostAt
    const numbers = numbersOf(viewer)
    expect(new Set(numbers.map(({ ssrc }) => ssrc)).size).toBe(1)
    for (const [i, { seq }] of numbers.slice(1).entries()) expect((seq - numbers[i]!.seq) & 0xffff).toBe(1)
    expect(Math.abs(between(viewer, 0, 1) - awayMs)).toBeLessThan(100)
    expect(viewer.received('bye')).toEqual([])
    await first.peer[Symbol.asyncDispose]()
  })
})
