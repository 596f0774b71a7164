/** Media through a session and back: numbers, repair, feedback, reports. Scripted peers on both sides. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readRtpHeader } from '../../../src/media/rtp/packet.ts'
import { type CollectingEgress, collectPackets } from '../../helpers/collecting-egress.ts'
import { startWebRtcGateway, type WebRtcGateway } from '../../helpers/webrtc-gateway.ts'
import {
  AUDIO_PT,
  type PeerOptions,
  RTX_PT,
  rtpBytes,
  TestPeer,
  until,
  VIDEO_PT,
} from '../../helpers/webrtc-peer.ts'

const VIDEO = 0xa1
const AUDIO = 0xa2
const RTX = 0xa3
const TWCC = 'a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01'
const MID = 'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid'

let gateway: WebRtcGateway
let publisher: TestPeer
const peers: TestPeer[] = []
beforeEach(async () => {
  gateway = await startWebRtcGateway()
})
afterEach(async () => {
  for (const peer of peers.splice(0)) await peer[Symbol.asyncDispose]()
  await gateway[Symbol.asyncDispose]()
})

const join = async (
  path: string,
  options: PeerOptions,
  headers: Record<string, string> = {},
): Promise<TestPeer> => {
  const peer = new TestPeer(options)
  peers.push(peer)
  expect((await peer.post(gateway.origin + path, headers)).status).toBe(201)
  await peer.connect()
  return peer
}
const publish = async (
  options: Partial<PeerOptions> = {},
  headers: Record<string, string> = {},
): Promise<void> => {
  publisher = await join('/whip/s', { direction: 'sendonly', ...options }, headers)
  await until('the stream', () => gateway.registry.find('s')?.state === 'ready')
}
const view = async (options: Partial<PeerOptions> = {}): Promise<TestPeer> => {
  const count = gateway.registry.find('s')!.subscribers.length
  const viewer = await join('/whep/s', { direction: 'recvonly', ...options })
  await until('the viewer', () => gateway.registry.find('s')!.subscribers.length === count + 1)
  return viewer
}
const video = (seq: number, { key = false, ts = seq * 3000, ssrc = VIDEO, size = 40 } = {}): Buffer => {
  const payload = Buffer.alloc(size, seq & 255)
  payload[0] = key ? 0x65 : 0x41
  payload[1] = 0x88
  return rtpBytes({ ssrc, seq, ts, pt: VIDEO_PT, marker: true, payload })
}
const audio = (seq: number, ts: number): Buffer =>
  rtpBytes({ ssrc: AUDIO, seq, ts, pt: AUDIO_PT, payload: Buffer.from([0xfc, 1, 2]) })
const headers = (peer: TestPeer, pt: number) =>
  peer.rtp.map(bytes => ({ ...readRtpHeader(bytes)!, bytes })).filter(({ payloadType }) => payloadType === pt)

describe('publisher to stream', () => {
  let collected: CollectingEgress
  const begin = async (options: Partial<PeerOptions> = {}): Promise<void> => {
    await publish(options)
    collected = await collectPackets(gateway.registry, 's')
  }

  test('a lost packet is asked for, and the answer closes the gap, as RTX and as it was', async () => {
    await begin({ rtx: true })
    for (const seq of [1, 2, 4, 6]) publisher.sendRtp(video(seq, { key: seq === 1 }))
    const wanted = (): number[] => publisher.received('nack').flatMap(({ sequences }) => sequences)
    await until('NACK', () => wanted().includes(3) && wanted().includes(5))
    const repair = Buffer.concat([Buffer.from([0, 3]), video(3).subarray(12)])
    publisher.sendRtp(rtpBytes({ ssrc: RTX, seq: 900, ts: 9000, pt: RTX_PT, marker: true, payload: repair }))
    publisher.sendRtp(video(5))
    await until('the repaired', () => collected.packets.length === 6)
    const seqs = collected.packets.map(({ seq }) => seq)
    expect(seqs.toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6])
    const repaired = collected.packets.find(({ seq }) => seq === 3)!
    expect(Buffer.from(repaired.bytes)).toEqual(video(3))
    const before = wanted().length
    publisher.sendRtp(video(7))
    await until('the next', () => collected.packets.length === 7)
    await until('a report', () => publisher.received('receiver-report').length > 0)
    expect(wanted().slice(before)).toEqual([])
    const link = gateway.registry.find('s')!.publisherLink!
    expect(link.repaired).toBe(1)
    expect(link.nacks).toBeGreaterThanOrEqual(2)
  })

  test('a subscriber makes one key frame request: PLI, and FIR when it brings none', async () => {
    await begin()
    publisher.sendRtp(video(1))
    await until('PLI', () => publisher.received('picture-loss').some(({ media }) => media === VIDEO))
    await until('FIR', () => publisher.received('full-intra-request').length > 0, 8000)
    expect(publisher.received('full-intra-request')[0]!.requests[0]!.ssrc).toBe(VIDEO)
    publisher.sendRtp(video(2, { key: true }))
    await until('the key frame', () => collected.packets.length === 1)
  })

  test('a source that answers no request is not asked, and its pictures are kept for those who come late', async () => {
    await publish({}, { 'user-agent': 'Mozilla/5.0 (OBS-Studio/31.0.0; Linux x86_64; en-US)' })
    expect(gateway.registry.find('s')!.tracks[0]!.keyframeOnRequest).toBe(false)
    for (const seq of [1, 2, 3]) publisher.sendRtp(video(seq, { key: seq === 1 }))
    await until('three packets', () => gateway.registry.find('s')!.tracks[0]!.stats!.units === 3)
    const viewer = await view()
    await until('the pictures so far', () => headers(viewer, VIDEO_PT).length === 3)
    expect(publisher.received('picture-loss')).toEqual([])
  })

  test('transport-wide numbers are reported with arrival times', async () => {
    await begin({ extra: [TWCC, `a=rtcp-fb:${VIDEO_PT} transport-cc`] })
    const withSequence = (seq: number): Buffer => {
      const plain = video(seq, { key: true })
      const bytes = Buffer.concat([
        plain.subarray(0, 12),
        Buffer.from([0xbe, 0xde, 0, 1, 0x31, seq >> 8, seq & 255, 0]),
        plain.subarray(12),
      ])
      bytes[0]! |= 0x10
      return bytes
    }
    for (const seq of [10, 11, 13]) publisher.sendRtp(withSequence(seq))
    await until('packets', () => collected.packets.length === 3)
    // Our reader leaves transport feedback out, so it is looked for among the raw parts.
    await until('feedback', () => publisher.rawRtcp.some(bytes => bytes[0] === 0x8f || bytes[0] === 0xaf))
    const feedback = publisher.rawRtcp.find(bytes => (bytes[0]! & 0x1f) === 15)!
    expect([feedback.readUInt16BE(12), feedback.readUInt16BE(14)]).toEqual([10, 4])
  })

  test('an SSRC that nobody announced finds its line by mid, and a new one goes on where the old one ended', async () => {
    await begin({ extra: [MID] })
    publisher.sendRtp(video(100, { key: true, ts: 5000 }))
    publisher.sendRtp(video(50_000, { key: true, ts: 77, ssrc: 0xbeef }))
    publisher.sendRtp(video(50_001, { ts: 3077, ssrc: 0xbeef }))
    await until('three packets', () => collected.packets.length === 3)
    const [a, b, c] = collected.packets
    expect(b!.seq).toBe(a!.seq + 2)
    expect(c!.seq).toBe(b!.seq + 1)
    expect(c!.ts - b!.ts).toBe(3000)
    expect(b!.ts).toBeGreaterThan(a!.ts)
  })

  test('sender reports place both tracks on one time line', async () => {
    await begin()
    publisher.sendRtp(video(1, { key: true, ts: 90_000 }))
    publisher.sendRtp(audio(1, 480_000))
    await until('both tracks', () => collected.packets.length === 2)
    const wall = Date.now() * 1000
    const report = (ssrc: number, timestamp: number) =>
      ({
        type: 'sender-report',
        ssrc,
        wall,
        ntpMiddle: 0,
        timestamp,
        packets: 1,
        bytes: 1,
        blocks: [],
      }) as const
    publisher.sendRtcp([report(VIDEO, 90_000), report(AUDIO, 480_000)])
    await until('the echo', () =>
      publisher
        .received('receiver-report')
        .some(({ blocks }) => blocks.filter(block => block.lastSenderReport !== 0).length === 2),
    )
    const clocks = collected.opened.map(({ track }) => track.clock)
    expect(Math.abs(clocks[0]!.toStreamTime(90_000) - clocks[1]!.toStreamTime(480_000))).toBeLessThan(20_000)
  })

  test('media of no line, damaged packets and BYE harm nothing', async () => {
    await begin()
    publisher.sendRtp(video(1, { key: true }))
    publisher.sendRtp(rtpBytes({ ssrc: 0x77, seq: 1, ts: 1, pt: 33, payload: Buffer.alloc(9) }))
    publisher.sendRtp(Buffer.from([0x9f, VIDEO_PT, 0, 9, 0, 0, 0, 0, 0, 0, 0, VIDEO, 0, 0, 0, 0, 0, 0, 0, 0]))
    publisher.sendRtcp([{ type: 'bye', ssrcs: [VIDEO], reason: 'new stream' }])
    publisher.sendRtp(video(2))
    await until('the second', () => collected.packets.length === 2)
  })
})

describe('stream to viewer', () => {
  test('own SSRC, own numbers with the distances of the source, the mid on each packet', async () => {
    await publish()
    const viewer = await view({ extra: [MID] })
    publisher.sendRtp(video(65_535, { key: true, ts: 0xffff_ff00 }))
    publisher.sendRtp(video(0, { ts: 0xffff_ff00 + 3000 }))
    publisher.sendRtp(audio(1, 960))
    await until('media', () => viewer.rtp.length === 3)
    const [first, second] = headers(viewer, VIDEO_PT)
    expect(first!.ssrc).not.toBe(VIDEO)
    expect((second!.seq - first!.seq) & 0xffff).toBe(1)
    expect((second!.ts - first!.ts) >>> 0).toBe(3000)
    expect(first!.seq).toBeLessThan(0x8000)
    expect(first!.bytes.subarray(12, 20)).toEqual(Buffer.from([0xbe, 0xde, 0, 1, 0x40, 0x30, 0, 0]))
    expect(headers(viewer, AUDIO_PT)[0]!.bytes.subarray(12, 20)).toEqual(
      Buffer.from([0xbe, 0xde, 0, 1, 0x40, 0x31, 0, 0]),
    )
    expect(first!.bytes.subarray(first!.payloadStart)).toEqual(video(65_535, { key: true }).subarray(12))
  })

  test('nothing is sent before a key frame', async () => {
    await publish()
    const viewer = await view()
    publisher.sendRtp(video(1))
    publisher.sendRtp(video(2, { key: true }))
    publisher.sendRtp(video(3))
    await until('media', () => viewer.rtp.length === 2)
    expect(viewer.rtp[0]![12]).toBe(0x65)
  })

  test.each([true, false])('a NACK is answered from the shared history (RTX: %s)', async rtx => {
    await publish()
    const [viewer, other] = [await view({ rtx }), await view({ rtx })]
    for (let seq = 1; seq <= 5; seq++) publisher.sendRtp(video(seq, { key: seq === 1 }))
    await until('media', () => viewer.rtp.length === 5 && other.rtp.length === 5)
    const third = headers(viewer, VIDEO_PT)[2]!
    viewer.sendRtcp([
      { type: 'nack', sender: 1, media: third.ssrc, sequences: [third.seq, (third.seq + 500) & 0xffff] },
    ])
    if (rtx) {
      await until('the repair', () => headers(viewer, RTX_PT).length === 1)
      const [repair] = headers(viewer, RTX_PT)
      const payload = repair!.bytes.subarray(repair!.payloadStart)
      expect(payload.readUInt16BE(0)).toBe(third.seq)
      expect(payload.subarray(2)).toEqual(third.bytes.subarray(third.payloadStart))
      expect(repair!.ts).toBe(third.ts)
      expect(repair!.ssrc).not.toBe(third.ssrc)
    } else {
      // The very same packet again: the replay window of a viewer that has it drops it.
      await until('the answer', () => gateway.log.length >= 0 && viewer.refusedRtp === 1)
    }
    expect(other.rtp.length).toBe(5)
    const links = gateway.registry.find('s')!.subscribers.map(({ link }) => link)
    expect(links[0]).toMatchObject({ packets: 5, nacks: 2, resent: 1, pictureLossRequests: 0 })
    expect(links[1]).toMatchObject({ packets: 5, nacks: 0, resent: 0 })
  })

  test("a viewer's reports are in what the registry says of it: loss, round trip", async () => {
    await publish()
    const viewer = await view()
    publisher.sendRtp(video(1, { key: true }))
    await until('media', () => viewer.rtp.length === 1)
    const { ssrc, seq } = headers(viewer, VIDEO_PT)[0]!
    await until('a report', () => viewer.received('sender-report').some(report => report.ssrc === ssrc))
    const report = viewer.received('sender-report').find(candidate => candidate.ssrc === ssrc)!
    const block = {
      ssrc,
      fractionLost: 64,
      cumulativeLost: 7,
      highestSequence: seq,
      jitter: 900,
      lastSenderReport: report.ntpMiddle,
      delaySinceLastSenderReport: 0,
    }
    viewer.sendRtcp([{ type: 'receiver-report', ssrc: 1, blocks: [block] }])
    const link = () => gateway.registry.find('s')!.subscribers[0]!.link
    await until('the numbers', () => link()?.lost === 7)
    expect(link()).toMatchObject({ fractionLost: 0.25, jitterMs: 10 })
    expect(link()!.roundTripMs).toBeGreaterThanOrEqual(0)
    expect(link()!.roundTripMs).toBeLessThan(5000)
  })

  test('PLI and FIR of many viewers are one request to the source', async () => {
    await publish()
    const viewers = [await view(), await view(), await view()]
    publisher.sendRtp(video(1, { key: true }))
    await until('media', () => viewers.every(({ rtp }) => rtp.length === 1))
    const before = publisher.received('picture-loss').length
    for (const viewer of viewers) {
      const { ssrc } = headers(viewer, VIDEO_PT)[0]!
      viewer.sendRtcp([{ type: 'picture-loss', sender: 1, media: ssrc }])
      viewer.sendRtcp([{ type: 'full-intra-request', sender: 1, requests: [{ ssrc, sequence: 1 }] }])
    }
    await until('PLI', () => publisher.received('picture-loss').length > before)
    publisher.sendRtp(video(2, { key: true }))
    await until('the key frame', () => viewers.every(({ rtp }) => rtp.length === 2))
    expect(publisher.received('picture-loss').length).toBe(before + 1)
  })

  test('reports tell the time of capture, so that sound and picture of one moment meet', async () => {
    await publish()
    const viewer = await view()
    publisher.sendRtp(video(1, { key: true, ts: 90_000 }))
    publisher.sendRtp(audio(1, 480_000))
    await until('media', () => viewer.rtp.length === 2)
    await until('reports', () => new Set(viewer.received('sender-report').map(({ ssrc }) => ssrc)).size === 2)
    const wallOf = (pt: number, rate: number): number => {
      const [first] = headers(viewer, pt)
      const report = viewer.received('sender-report').find(({ ssrc }) => ssrc === first!.ssrc)!
      return report.wall - (((report.timestamp - first!.ts) | 0) * 1e6) / rate
    }
    expect(Math.abs(wallOf(VIDEO_PT, 90_000) - wallOf(AUDIO_PT, 48_000))).toBeLessThan(20_000)
    expect(Math.abs(wallOf(VIDEO_PT, 90_000) - Date.now() * 1000)).toBeLessThan(5_000_000)
  })

  test('the viewer may move: media follows its checks to the new address', async () => {
    await publish()
    const viewer = await view()
    publisher.sendRtp(video(1, { key: true }))
    await until('media', () => viewer.rtp.length === 1)
    const socket = viewer.openSocket()
    await viewer.check({ socket })
    viewer.socket.close()
    viewer.sockets.splice(0, 1)
    publisher.sendRtp(video(2))
    await until('media at the new address', () => viewer.rtp.length === 2)
  })

  test('two viewers share every packet and nothing else', async () => {
    await publish()
    const [a, b] = [await view(), await view()]
    for (let seq = 1; seq <= 20; seq++) publisher.sendRtp(video(seq, { key: seq === 1, size: 900 }))
    await until('media', () => a.rtp.length === 20 && b.rtp.length === 20)
    const of = (peer: TestPeer) => headers(peer, VIDEO_PT)
    expect(of(a).map(({ bytes, payloadStart }) => bytes.subarray(payloadStart))).toEqual(
      of(b).map(({ bytes, payloadStart }) => bytes.subarray(payloadStart)),
    )
    expect(of(a)[0]!.ssrc).not.toBe(of(b)[0]!.ssrc)
  })
})
