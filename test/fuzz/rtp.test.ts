/** Forty thousand spoiled RTP and RTCP packets at the ports of a live stream, which does not notice. */
import { expect, test } from 'vitest'
import { writeRtcp } from '../../src/media/rtcp/write.ts'
import { until } from '../helpers/program.ts'
import { createRandom, mutate } from '../helpers/random.ts'
import { agreement, digits, openTestEndpoint, pcmu } from '../helpers/rtp-endpoint.ts'
import { openRtpPeer, rtpPacket } from '../helpers/rtp-peer.ts'

const ROUNDS = 40_000
/** What one turn of the event loop sends: less than a socket holds. */
const BURST = 16
const EVERY_HONEST = 10
const HONEST_SSRC = 0x11111111

const random = createRandom(20_261_121)

const goodOnes = (ssrc: number): readonly Buffer[] => [
  rtpPacket({ seq: 30_000, payloadType: 101, payload: Buffer.alloc(200, 1) }),
  writeRtcp([
    {
      type: 'sender-report',
      ssrc: 1,
      wall: 1.7e15,
      ntpMiddle: 0,
      timestamp: 1,
      packets: 1,
      bytes: 1,
      blocks: [],
    },
    { type: 'source-description', ssrc: 1, cname: 'somebody' },
    { type: 'bye', ssrcs: [1, 2], reason: 'spoiled' },
  ]),
  writeRtcp([
    { type: 'receiver-report', ssrc: 1, blocks: [] },
    { type: 'nack', sender: 1, media: ssrc, sequences: [1, 2, 30] },
    { type: 'picture-loss', sender: 1, media: ssrc },
    { type: 'full-intra-request', sender: 1, requests: [{ ssrc, sequence: 1 }] },
  ]),
]

/** Changed, cut, doubled or something else altogether; never under the honest sender's own name. */
const spoil = (good: Buffer): Buffer => {
  const bytes = Buffer.from(
    random(20) === 0 ? Array.from({ length: random(1400) }, () => random(256)) : mutate(good, random),
  )
  if (bytes.length >= 12 && bytes.readUInt32BE(8) === HONEST_SSRC) bytes[8] = 0x22
  return bytes
}

test.each([
  ['strangers', '127.0.0.5'],
  ["the sender's own machine", '127.0.0.1'],
])(
  'from %s',
  async (_who, ip) => {
    const { ports, endpoint, packets } = openTestEndpoint({ reportEveryUs: 20_000 })
    await using honest = await openRtpPeer()
    await using hostile = await openRtpPeer(ip)
    endpoint.agree(agreement({ receives: [pcmu, digits], feedback: ['nack', 'nack pli', 'ccm fir'] }))
    let seq = 0
    const speak = (): Promise<void> =>
      honest.send(endpoint.port, rtpPacket({ seq: seq++, ssrc: HONEST_SSRC, payload: Buffer.from([0xaa]) }))
    await speak()
    await until('heard', () => packets.length === 1)
    const good = goodOnes(endpoint.ssrc)
    for (let round = 0; round < ROUNDS; round++) {
      if (round % BURST === 0) await new Promise(resolve => setImmediate(resolve))
      await hostile.send(random(5) === 0 ? endpoint.rtcpPort : endpoint.port, spoil(good[round % 3]!))
      if (round % EVERY_HONEST === 0) await speak()
    }
    await until('all that was honest', () => packets.length === seq)
    expect(packets.every(({ packet }) => packet.bytes[packet.payloadStart] === 0xaa)).toBe(true)
    expect(endpoint.stats.received).toMatchObject({ lost: 0, duplicates: 0 })
    const { strangers, malformed, wrongPayloadType } = endpoint.stats
    expect(strangers + malformed + wrongPayloadType).toBeGreaterThan(ROUNDS / 4)
    expect(hostile.got.filter(bytes => bytes[1]! < 192)).toEqual([])
    ports.close('')
  },
  60_000,
)
