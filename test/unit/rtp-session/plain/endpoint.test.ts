import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../src/core/clock.ts'
import { createTrackClock } from '../../../../src/core/track-clock.ts'
import type { RtpPacket } from '../../../../src/media/types.ts'
import { loadNative } from '../../../../src/native/index.ts'
import type { RtpSource, SrtpSuite } from '../../../../src/rtp-session/plain/types.ts'
import { until } from '../../../helpers/program.ts'
import {
  agreement,
  digits,
  openTestEndpoint,
  pcma,
  pcmu,
  type TestEndpoint,
} from '../../../helpers/rtp-endpoint.ts'
import { openRtpPeer, type RtpPeer, rtpPacket } from '../../../helpers/rtp-peer.ts'
import { protectRtcp, protectRtp, unprotectRtcp, unprotectRtp } from '../../../helpers/srtp-pair.ts'

const open: TestEndpoint[] = []
const peers: RtpPeer[] = []
const endpointOf = (...args: Parameters<typeof openTestEndpoint>): TestEndpoint => {
  const made = openTestEndpoint(...args)
  open.push(made)
  return made
}
const peerOf = async (...args: Parameters<typeof openRtpPeer>): Promise<RtpPeer> => {
  const made = await openRtpPeer(...args)
  peers.push(made)
  return made
}
afterEach(async () => {
  for (const { ports } of open.splice(0)) ports.close('')
  for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]()
})

const packetOf = (seq: number, ts = seq * 160, payload = Buffer.alloc(160, seq & 255)): RtpPacket => {
  const bytes = rtpPacket({ seq, ts, payload })
  return Object.freeze({
    bytes,
    payloadStart: 12,
    payloadEnd: bytes.length,
    seq,
    ts,
    marker: false,
    key: true,
    head: true,
    arrival: systemClock.now(),
  })
}
const sourceOf = (more: Partial<RtpSource> = {}): RtpSource => {
  const clock = createTrackClock(8000, { originWall: undefined }, { offset: undefined })
  clock.anchor({ ts: 0, wall: systemClock.wall(), from: 'arrival' })
  return { clock, clockRate: 8000, payloadType: 0, ...more }
}
const seqOf = (bytes: Buffer): number => bytes.readUInt16BE(2)
const feedback = ['nack', 'nack pli', 'ccm fir']

describe('ports', () => {
  test('a free pair is an even port and the next one; a range is used up and told', () => {
    const { endpoint, ports } = endpointOf()
    expect(endpoint.port % 2).toBe(0)
    expect(endpoint.rtcpPort).toBe(endpoint.port + 1)
    const min = endpoint.port
    expect(() =>
      ports.open({ host: '127.0.0.1', port: { min, max: min + 1 }, listener: { packet() {} } }),
    ).toThrow(`all 1 pairs of the RTP ports ${min}-${min + 1} are taken`)
    endpoint.close('')
    const again = ports.open({ host: '127.0.0.1', port: { min, max: min + 1 }, listener: { packet() {} } })
    expect(again.port).toBe(min)
    expect(ports.size).toBe(1)
  })

  test('with RTCP on the same port there is one socket', () => {
    const { endpoint } = endpointOf({ rtcpPort: null })
    expect(endpoint.rtcpPort).toBe(endpoint.port)
  })
})

describe('receiving', () => {
  test('packets come once each, in the order of arrival, over the wrap of their numbers', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement())
    for (const seq of [65_534, 65_535, 0, 0, 2, 1]) await peer.send(endpoint.port, rtpPacket({ seq }))
    await until('all came', () => packets.length === 5)
    expect(packets.map(({ packet }) => packet.seq)).toEqual([65_534, 65_535, 65_536, 65_538, 65_537])
    expect(endpoint.stats.received).toMatchObject({ duplicates: 1 })
    expect(endpoint.stats.source).toEqual({ ip: '127.0.0.1', port: peer.port })
  })

  test('only payload types that were agreed on; digits travel among the sound', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ receives: [pcmu, pcma, digits] }))
    for (const [seq, payloadType] of [0, 101, 8, 9, 0].entries())
      await peer.send(endpoint.port, rtpPacket({ seq, payloadType }))
    await until('all came', () => packets.length === 4)
    expect(packets.map(({ format }) => format)).toEqual([pcmu, digits, pcma, pcmu])
    expect(endpoint.stats).toMatchObject({ wrongPayloadType: 1, strangers: 0 })
  })

  test('comfort noise is counted by its name: it is no sound, no stranger, no loss, and a sign of life', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ receives: [pcmu, digits] }))
    const noise = Buffer.of(60)
    await peer.send(endpoint.port, rtpPacket({ seq: 9, ts: 1440, payloadType: 13, payload: noise }))
    await until('it is the source', () => endpoint.stats.source?.port === peer.port)
    const before = endpoint.lastPacketAt
    for (let seq = 10; seq < 20; seq++) await peer.send(endpoint.port, rtpPacket({ seq, ts: seq * 160 }))
    for (let seq = 20; seq < 25; seq++)
      await peer.send(endpoint.port, rtpPacket({ seq, ts: seq * 160, payloadType: 13, payload: noise }))
    await until('all came', () => endpoint.stats.comfortNoise === 6)
    expect(packets.map(({ format }) => format)).toEqual(new Array(10).fill(pcmu))
    expect(endpoint.stats).toMatchObject({
      wrongPayloadType: 0,
      strangers: 0,
      received: { lost: 0, packets: 16 },
    })
    expect(endpoint.lastPacketAt).toBeGreaterThan(before)
  })

  test('comfort noise and digits leave no gap in the numbers of the sound, nor in its bytes', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ receives: [pcmu, digits] }))
    const types = [0, 0, 13, 13, 0, digits.payloadType, digits.payloadType, 0, 0]
    const order = [0, 2, 1, 3, 4, 5, 6, 8, 7]
    for (const i of order)
      await peer.send(endpoint.port, rtpPacket({ seq: 65_533 + i, ts: i * 160, payloadType: types[i]! }))
    await until('all came', () => endpoint.stats.received?.packets === types.length)
    const sound = packets.filter(({ format }) => format === pcmu).map(({ packet }) => packet)
    expect(sound.map(({ ts }) => ts / 160)).toEqual([0, 1, 4, 8, 7])
    expect(sound.map(({ seq }) => seq - sound[0]!.seq)).toEqual([0, 1, 2, 4, 3])
    for (const { bytes, seq } of sound) expect(Buffer.from(bytes).readUInt16BE(2)).toBe(seq & 0xffff)
    expect(endpoint.stats.received).toMatchObject({ lost: 0 })
  })

  test('G.722 with times of 16 kHz is heard on its clock of 8 kHz, reports and all', async () => {
    const { endpoint, packets, reports } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ receives: [{ payloadType: 9, codec: 'g722', clockRate: 8000 }] }))
    const start = 2 ** 32 - 320 * 10
    const send = (i: number, ticks: number): Promise<void> =>
      peer.send(endpoint.port, rtpPacket({ seq: i, ts: (start + i * ticks) >>> 0, payloadType: 9 }))
    for (let i = 0; i < 30; i++) if (i !== 12) await send(i, 320)
    await until('all came', () => packets.length === 29)
    const times = packets.map(({ packet }) => packet.ts)
    const steps = times.slice(1).map((ts, i) => ts - times[i]!)
    expect(steps.slice(0, 4)).toEqual([320, 320, 320, 320])
    expect(steps.slice(4).filter(step => step !== 160)).toEqual([320])
    expect(Buffer.from(packets.at(-1)!.packet.bytes).readUInt32BE(4)).toBe(times.at(-1)! >>> 0)
    expect(endpoint.stats.halvedClock).toBe(true)
    const ts = (start + 29 * 320 - 3200) >>> 0
    const wall = { wall: 1e15, ntpMiddle: 1, packets: 30, bytes: 4800 }
    const report = { type: 'sender-report', ssrc: 0x11111111, timestamp: ts, ...wall, blocks: [] } as const
    await peer.sendRtcp(endpoint.rtcpPort, [report])
    await until('the report', () => reports.length === 1)
    expect(reports[0]!.ts).toBe(times.at(-1)! - 1600)
    for (let i = 0; i < 8; i++)
      await peer.send(endpoint.port, rtpPacket({ seq: i, ts: i * 160, ssrc: 7, payloadType: 9 }))
    await until('the next sender came', () => packets.length >= 29 + 7)
    const next = packets.slice(29).map(({ packet }) => packet.ts)
    expect(next.slice(1).map((at, i) => at - next[i]!)).toEqual(new Array(next.length - 1).fill(160))
    expect(endpoint.stats.halvedClock).toBe(false)
  })

  test('what has another clock, or no sound, has no comfort noise', async () => {
    const { endpoint } = endpointOf()
    const peer = await peerOf()
    const opus = { payloadType: 111, codec: 'opus', clockRate: 48_000 } as const
    endpoint.agree(agreement({ receives: [opus] }))
    await peer.send(endpoint.port, rtpPacket({ seq: 1, payloadType: 111 }))
    await peer.send(endpoint.port, rtpPacket({ seq: 2, payloadType: 13 }))
    await until('it came', () => endpoint.stats.wrongPayloadType === 1)
    expect(endpoint.stats.comfortNoise).toBe(0)
  })

  test('nothing comes through before anything is agreed on, and damage is counted', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    await peer.send(endpoint.port, rtpPacket({ seq: 1 }))
    await until('dropped', () => endpoint.stats.malformed === 1)
    endpoint.agree(agreement())
    await peer.send(endpoint.port, rtpPacket({ seq: 2 }))
    const tooLong = rtpPacket({ seq: 3 })
    tooLong[0] = 0x9f
    tooLong.writeUInt16BE(0xffff, 74)
    await peer.send(endpoint.port, tooLong)
    await peer.send(endpoint.port, Buffer.from('hello'))
    await until('counted', () => endpoint.stats.malformed === 3)
    expect(packets).toHaveLength(1)
  })

  test('another SSRC of the same sender goes on where the first one left', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement())
    for (const seq of [10, 11]) await peer.send(endpoint.port, rtpPacket({ seq }))
    for (const seq of [500, 501, 502]) await peer.send(endpoint.port, rtpPacket({ seq, ssrc: 7 }))
    await until('the new one came', () => packets.length === 4)
    const seqs = packets.map(({ packet }) => packet.seq)
    expect(seqs).toEqual([10, 11, 13, 14])
    expect(packets[2]!.packet.ts).toBeGreaterThan(packets[1]!.packet.ts)
  })

  test('who said BYE may begin anew from another port at once', async () => {
    const { endpoint, packets, byes } = endpointOf()
    const [first, second] = [await peerOf(), await peerOf()]
    endpoint.agree(agreement())
    await first.send(endpoint.port, rtpPacket({ seq: 1 }))
    await until('heard', () => packets.length === 1)
    await second.send(endpoint.port, rtpPacket({ seq: 1, ssrc: 8 }))
    await until('a stranger', () => endpoint.stats.strangers === 1)
    await first.sendRtcp(endpoint.rtcpPort, [{ type: 'bye', ssrcs: [0x11111111], reason: '' }])
    await until('ended', () => byes.length === 1)
    for (const seq of [2, 3]) await second.send(endpoint.port, rtpPacket({ seq, ssrc: 8 }))
    await until('heard anew', () => packets.length === 3)
    expect(endpoint.stats.source).toEqual({ ip: '127.0.0.1', port: second.port })
  })

  test('a second SSRC beside the first is a stranger for as long as the first is alive', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement())
    const both = Array.from({ length: 10 }, (_, seq) => [
      peer.send(endpoint.port, rtpPacket({ seq })),
      peer.send(endpoint.port, rtpPacket({ seq: seq + 900, ssrc: 9 })),
    ])
    await Promise.all(both.flat())
    await until('all were seen', () => packets.length + endpoint.stats.strangers === 20)
    expect(packets.map(({ packet }) => packet.seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
  })
})

describe('RTCP', () => {
  test('sender reports place packets in time, and are answered with loss and a random name', async () => {
    const { endpoint, packets, reports } = endpointOf({ reportEveryUs: 200_000 })
    const [peer, control] = [await peerOf(), await peerOf()]
    endpoint.agree(agreement())
    for (const seq of [0, 1, 3]) await peer.send(endpoint.port, rtpPacket({ seq }))
    await until('packets', () => packets.length === 3)
    const report = { ssrc: 0x11111111, wall: 1.7e15, ntpMiddle: 0, timestamp: 320, packets: 3, bytes: 480 }
    await control.sendRtcp(endpoint.rtcpPort, [{ type: 'sender-report', ...report, blocks: [] }])
    await until('placed', () => reports.length === 1)
    expect(reports[0]!.ts).toBe(320)
    await until('answered', () =>
      control.rtcp.some(one => one.type === 'receiver-report' && one.blocks.length > 0),
    )
    const names = control.rtcp.filter(one => one.type === 'source-description').map(({ cname }) => cname)
    expect(new Set(names).size).toBe(1)
    expect(names[0]).toMatch(/^[\w-]{16}$/)
    const answer = control.rtcp.find(one => one.type === 'receiver-report' && one.blocks.length > 0)
    expect(answer).toMatchObject({ ssrc: endpoint.ssrc, blocks: [{ ssrc: 0x11111111, cumulativeLost: 1 }] })
  })

  test('what is missing is asked for, and key frames by PLI, then FIR', async () => {
    const { endpoint, packets } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ feedback, rtcpMux: true }))
    expect(endpoint.requestKeyframe()).toBe(false)
    for (const seq of [0, 1, 4]) await peer.send(endpoint.port, rtpPacket({ seq }))
    await until('asked', () => peer.rtcp.some(({ type }) => type === 'nack'))
    expect(peer.rtcp.find(one => one.type === 'nack')).toMatchObject({ sequences: [2, 3], media: 0x11111111 })
    for (let count = 0; count < 3; count++) expect(endpoint.requestKeyframe()).toBe(true)
    await until('FIR', () => peer.rtcp.some(({ type }) => type === 'full-intra-request'))
    expect(peer.rtcp.filter(({ type }) => type === 'picture-loss')).toHaveLength(3)
    expect(endpoint.stats.keyframesAsked).toBe(3)
    expect(packets).toHaveLength(3)
  })

  test('without feedback that was agreed on, none is sent', async () => {
    const { endpoint } = endpointOf({ reportEveryUs: 100_000 })
    const peer = await peerOf()
    endpoint.agree(agreement({ rtcpMux: true }))
    for (const seq of [0, 4]) await peer.send(endpoint.port, rtpPacket({ seq }))
    await until('a few reports', () => peer.rtcp.filter(({ type }) => type === 'receiver-report').length > 3)
    expect(endpoint.requestKeyframe()).toBe(false)
    const types = new Set(peer.rtcp.map(({ type }) => type))
    expect([...types].sort()).toEqual(['receiver-report', 'source-description'])
  })

  test('BYE is told, and said', async () => {
    const { endpoint, packets, byes } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ rtcpMux: true }))
    await peer.send(endpoint.port, rtpPacket({ seq: 0 }))
    await until('heard', () => packets.length === 1)
    await peer.sendRtcp(endpoint.port, [{ type: 'bye', ssrcs: [5], reason: 'of another' }])
    await peer.sendRtcp(endpoint.port, [{ type: 'bye', ssrcs: [0x11111111], reason: 'done' }])
    await until('told', () => byes.length === 1)
    expect(byes).toEqual(['done'])
    endpoint.close('hung up')
    await until('said', () => peer.rtcp.some(({ type }) => type === 'bye'))
    expect(peer.rtcp.at(-1)).toEqual({ type: 'bye', ssrcs: [endpoint.ssrc], reason: 'hung up' })
  })
})

describe('sending', () => {
  const toPeer = (peer: RtpPeer) => ({ remote: { address: '127.0.0.1', port: peer.port } })

  test('plain headers under one SSRC, numbers that go on over a change of source, digits in between', async () => {
    const { endpoint } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement(toPeer(peer)))
    const outgoing = endpoint.send(sourceOf())
    outgoing.write(packetOf(100))
    outgoing.write(packetOf(101), 101)
    outgoing.retarget(sourceOf({ payloadType: 8 }))
    outgoing.write(packetOf(7000))
    await until('came', () => peer.rtp.length === 3)
    const [first, second, third] = peer.rtp as [Buffer, Buffer, Buffer]
    expect(peer.rtp.map(bytes => bytes[0])).toEqual([0x80, 0x80, 0x80])
    expect(peer.rtp.map(bytes => bytes[1]! & 127)).toEqual([0, 101, 8])
    expect(peer.rtp.map(bytes => bytes.readUInt32BE(8))).toEqual(Array(3).fill(endpoint.ssrc))
    expect([seqOf(second) - seqOf(first), seqOf(third) - seqOf(first)]).toEqual([1, 2])
    expect(third.subarray(12)).toEqual(Buffer.alloc(160, 7000 & 255))
    expect(endpoint.stats).toMatchObject({ unsent: 0, target: { ip: '127.0.0.1', port: peer.port } })
  })

  test('reports of what was sent, answers to NACK, wishes for key frames, round trips', async () => {
    const test = endpointOf({ reportEveryUs: 100_000 })
    const { endpoint } = test
    const peer = await peerOf()
    endpoint.agree(agreement({ ...toPeer(peer), rtcpMux: true, feedback }))
    const kept = new Map([3, 4, 5].map(seq => [seq, packetOf(seq)]))
    const outgoing = endpoint.send(sourceOf({ lookup: seq => kept.get(seq) }))
    for (const packet of kept.values()) outgoing.write(packet)
    await until('reported', () => peer.rtcp.some(({ type }) => type === 'sender-report'))
    const report = peer.rtcp.find(one => one.type === 'sender-report')!
    expect(report).toMatchObject({ ssrc: endpoint.ssrc, packets: 3, bytes: 480 })
    const media = endpoint.ssrc
    const block = {
      ssrc: media,
      fractionLost: 64,
      cumulativeLost: 2,
      highestSequence: 5,
      jitter: 8,
      lastSenderReport: report.type === 'sender-report' ? report.ntpMiddle : 0,
      delaySinceLastSenderReport: 0,
    }
    await peer.sendRtcp(endpoint.port, [
      { type: 'receiver-report', ssrc: 1, blocks: [block] },
      { type: 'nack', sender: 1, media, sequences: [seqOf(peer.rtp[1]!)] },
      { type: 'picture-loss', sender: 1, media },
      { type: 'full-intra-request', sender: 1, requests: [{ ssrc: media, sequence: 1 }] },
      { type: 'picture-loss', sender: 1, media: (media ^ 1) >>> 0 },
    ])
    await until('sent again', () => peer.rtp.length === 4)
    expect(peer.rtp[3]).toEqual(peer.rtp[1])
    expect(test.keyframesWanted).toBe(2)
    expect(endpoint.stats.sent).toMatchObject({ resent: 1, lost: 2, fractionLost: 0.25, jitterMs: 1 })
    expect(endpoint.stats.sent!.roundTripMs).toBeLessThan(5000)
  })

  test('at a time of its own, a packet leaves later', async () => {
    const { endpoint } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement(toPeer(peer)))
    const outgoing = endpoint.send(sourceOf())
    const start = systemClock.now()
    outgoing.write(packetOf(1), undefined, start + 60_000)
    await until('came', () => peer.rtp.length === 1)
    expect(systemClock.now() - start).toBeGreaterThan(59_000)
  })

  test('the way is opened at once, and kept open while nothing is sent', async () => {
    const { endpoint } = endpointOf({ keepAliveUs: 50_000, reportEveryUs: 60_000 })
    const peer = await peerOf()
    endpoint.agree(agreement(toPeer(peer)))
    await until('kept open', () => peer.rtp.length >= 3)
    expect(peer.rtp.map(bytes => bytes.length)).toEqual(Array(peer.rtp.length).fill(12))
    const before = peer.rtp.length
    endpoint.send(sourceOf()).write(packetOf(50))
    await until('media', () => peer.rtp.length > before && peer.rtp.some(bytes => bytes.length > 12))
    const numbers = peer.rtp.map(seqOf)
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index))
  })

  test('BYE comes behind the last packet', async () => {
    const { endpoint } = endpointOf()
    const peer = await peerOf()
    endpoint.agree(agreement({ rtcpMux: true, ...toPeer(peer) }))
    const outgoing = endpoint.send(sourceOf())
    for (let seq = 1; seq <= 3; seq++) outgoing.write(packetOf(seq))
    endpoint.close('hung up')
    await until('said', () => peer.rtcp.some(({ type }) => type === 'bye') && peer.rtp.length === 3)
    expect(peer.got.map(bytes => bytes[1]! >= 192)).toEqual([false, false, false, true])
  })

  test('what cannot be sent is counted', () => {
    const { endpoint } = endpointOf()
    endpoint.agree(agreement())
    endpoint.send(sourceOf()).write(packetOf(1))
    expect(endpoint.stats).toMatchObject({ unsent: 1, target: undefined })
  })
})

describe.each<SrtpSuite>(['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'])('SRTP with %s', suite => {
  const keys = () => ({ suite, local: randomBytes(30), remote: randomBytes(30) })
  const contextOf = ({ local, remote }: ReturnType<typeof keys>) =>
    loadNative().createSrtp({
      profile: suite,
      localKey: remote.subarray(0, 16),
      localSalt: remote.subarray(16),
      remoteKey: local.subarray(0, 16),
      remoteSalt: local.subarray(16),
    })

  test('both ways, RTCP and the last BYE too; anything in the clear is nobody', async () => {
    const { endpoint, packets, byes } = endpointOf({ reportEveryUs: 100_000 })
    const peer = await peerOf()
    const sdes = keys()
    const context = contextOf(sdes)
    endpoint.agree(agreement({ sdes, rtcpMux: true }))
    await peer.send(endpoint.port, rtpPacket({ seq: 1 }))
    await peer.send(endpoint.port, protectRtp(context, rtpPacket({ seq: 2 })))
    await until('the true one came', () => packets.length === 1)
    expect(packets[0]!.packet.bytes).toEqual(new Uint8Array(rtpPacket({ seq: 2 })))
    endpoint.send(sourceOf()).write(packetOf(1))
    await until('sent', () => peer.rtp.length === 1)
    expect(unprotectRtp(context, peer.rtp[0]!)).toMatchObject({ length: 172 })
    await peer.sendRtcp(endpoint.port, [{ type: 'bye', ssrcs: [0x11111111], reason: 'a lie' }])
    await peer.send(endpoint.port, protectRtp(context, rtpPacket({ seq: 3 })))
    await until('refused', () => packets.length === 2)
    expect(byes).toEqual([])
    expect(endpoint.stats.unauthentic).toBe(2)
    endpoint.close('bye')
    await until('all was said', () => peer.got.filter(bytes => bytes[1]! >= 192).length > 1)
    for (const bytes of peer.got.filter(one => one[1]! >= 192)) {
      expect(bytes.includes('bye')).toBe(false)
      expect(unprotectRtcp(context, bytes)).toBeInstanceOf(Buffer)
    }
    expect(protectRtcp(context, Buffer.alloc(8, 0x80))).toBeInstanceOf(Buffer)
  })
})
