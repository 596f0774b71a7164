/** How sessions begin, fail and end, on a real UDP port with a clock that can be set forward. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../src/core/clock.ts'
import type { Clock } from '../../../src/core/types.ts'
import { collectPackets } from '../../helpers/collecting-egress.ts'
import { type LogLine, startWebRtcGateway, type WebRtcGateway } from '../../helpers/webrtc-gateway.ts'
import { rtpBytes, TestPeer, until, VIDEO_PT } from '../../helpers/webrtc-peer.ts'

let aheadUs = 0
const clock: Clock = { ...systemClock, now: () => systemClock.now() + aheadUs }
let gateway: WebRtcGateway
beforeEach(async () => {
  aheadUs = 0
  gateway = await startWebRtcGateway({ clock })
})
afterEach(() => gateway[Symbol.asyncDispose]())

const logged = async (text: RegExp): Promise<LogLine> => {
  const find = (): LogLine | undefined => gateway.log.find(({ message }) => text.test(message))
  await until(`the log line ${text}`, () => find() !== undefined)
  return find()!
}
const publisher = async (stream: string, headers: Record<string, string> = {}): Promise<TestPeer> => {
  const peer = new TestPeer({ direction: 'sendonly' })
  expect((await peer.post(`${gateway.origin}/whip/${stream}`, headers)).status).toBe(201)
  return peer
}
const idr = (seq: number): Buffer =>
  rtpBytes({
    ssrc: 5,
    seq,
    ts: seq * 3000,
    pt: VIDEO_PT,
    marker: true,
    payload: Buffer.from([0x65, 0x88, 1, 2]),
  })

describe('a session that never connects ends with a verdict', () => {
  const end = (): void => {
    aheadUs += 16_000_000
  }
  test('nothing came', async () => {
    await using peer = await publisher('a')
    end()
    const { message, level, fields } = await logged(/never connected/)
    expect(level).toBe('warn')
    expect(message).toMatch(new RegExp(`0 STUN packets reached 127.0.0.1 udp/${gateway.udpPort}`))
    expect(fields).toMatchObject({ checks: 0, candidates: expect.stringContaining('127.0.0.1') })
    expect(gateway.registry.find('a')).toBeUndefined()
    expect(peer.stunResponses).toEqual([])
  })
  test('wrong credentials came', async () => {
    await using peer = await publisher('a')
    peer.send(peer.checkBytes({ password: 'x'.repeat(32) }))
    await using honest = await publisher('b')
    await honest.check()
    end()
    expect((await logged(/never connected.*wrong credentials/)).fields).toMatchObject({ badIntegrity: 1 })
  })
  test('checks were answered, but no handshake began', async () => {
    await using peer = await publisher('a')
    await peer.check()
    end()
    await logged(/1 STUN requests were answered but no DTLS came/)
  })
  test('the handshake began and did not finish', async () => {
    await using peer = await publisher('a')
    await peer.check()
    peer.isDeaf = true
    peer.shakeHands()
    await peer.check()
    end()
    await logged(/the DTLS handshake did not finish: [1-9]/)
  })
})

describe('the end of a session', () => {
  test('silence for less than 30 s is survived, more ends the stream and frees the name', async () => {
    await using peer = await publisher('a')
    await peer.connect()
    await until('the stream', () => gateway.registry.find('a')?.state === 'ready')
    aheadUs += 25_000_000
    await peer.check()
    aheadUs += 25_000_000
    await peer.check()
    expect(gateway.registry.find('a')?.state).toBe('ready')
    aheadUs += 31_000_000
    await until('the end', () => gateway.registry.find('a') === undefined)
    await logged(/no STUN check for 30 s/)
  })

  test('the reason of the publisher reaches the viewer: BYE with the reason, a line in the log', async () => {
    await using peer = await publisher('a')
    await peer.connect()
    await using viewer = new TestPeer({ direction: 'recvonly' })
    await until('the stream', () => gateway.registry.find('a')?.state === 'ready')
    expect((await viewer.post(`${gateway.origin}/whep/a`)).status).toBe(201)
    await viewer.connect()
    await until('the viewer', () => gateway.registry.find('a')?.subscribers.length === 1)
    peer.sendRtp(idr(1))
    await until('media', () => viewer.rtp.length > 0)
    peer.closeDtls()
    await until('BYE', () => viewer.received('bye').length > 0)
    expect(viewer.received('bye')[0]!.reason).toContain('the peer closed the connection')
    await logged(/whep 127.0.0.1 ended: source-lost/)
    await until('close_notify', () => viewer.dtlsState === 'closed')
  })

  test('a viewer that leaves is no longer counted', async () => {
    await using peer = await publisher('a')
    await peer.connect()
    await until('the stream', () => gateway.registry.find('a')?.state === 'ready')
    await using viewer = new TestPeer({ direction: 'recvonly' })
    const location = (await viewer.post(`${gateway.origin}/whep/a`)).headers.get('location')!
    await viewer.connect()
    await until('the viewer', () => gateway.registry.find('a')?.subscribers.length === 1)
    expect((await fetch(gateway.origin + location, { method: 'DELETE' })).status).toBe(200)
    expect(gateway.registry.find('a')?.subscribers).toEqual([])
  })
})

describe('a publisher that comes back', () => {
  test('with the same token takes its own dead session over, and the viewers stay', async () => {
    const token = { authorization: 'Bearer mine' }
    await using first = await publisher('a', token)
    await first.connect()
    const { packets, subscription } = await collectPackets(gateway.registry, 'a')
    first.sendRtp(idr(1))
    await until('media', () => packets.length === 1)
    await using second = await publisher('a', token)
    await second.connect()
    second.sendRtp(idr(40_000))
    await until('media of the second', () => packets.length === 2)
    expect(packets[1]!.seq - packets[0]!.seq).toBeLessThan(10)
    expect(packets[1]!.ts).toBeGreaterThan(packets[0]!.ts)
    expect(subscription.signal.aborted).toBe(false)
    await logged(/ended: replaced/)
  })

  test('with another token is refused as long as media flows, and taken when it has stopped', async () => {
    await using first = await publisher('a', { authorization: 'Bearer mine' })
    await first.connect()
    first.sendRtp(idr(1))
    await using second = new TestPeer({ direction: 'sendonly' })
    const post = (): Promise<Response> =>
      second.post(`${gateway.origin}/whip/a`, { authorization: 'Bearer other' })
    expect((await post()).status).toBe(409)
    aheadUs += 3_000_000
    expect((await post()).status).toBe(201)
  })
})
