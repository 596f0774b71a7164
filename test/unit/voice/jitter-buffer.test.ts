/** The jitter buffer against traces: what is played, what is concealed, how long sound waits. */
import { describe, expect, test } from 'vitest'
import type { RtpPacket } from '../../../src/media/types.ts'
import { JitterBuffer, type JitterBufferStats } from '../../../src/media/voice/jitter-buffer.ts'
import { createRandom } from '../../helpers/random.ts'
import { rtpPacket } from '../../helpers/voice.ts'

const RATE = 8000
const START_US = 5_000_000

interface Trace {
  readonly count: number
  readonly ptimeMs?: number
  /** Milliseconds on the way. */
  readonly way?: (i: number) => number
  readonly lost?: (i: number) => boolean
  readonly ppm?: number
  readonly seq?: (i: number) => number
  /** Milliseconds of the time line at which packet `i` begins. */
  readonly ms?: (i: number) => number
}
const trace = ({
  count,
  ptimeMs = 20,
  way = () => 40,
  lost = () => false,
  ppm = 0,
  ...more
}: Trace): RtpPacket[] => {
  const { seq = i => 65_000 + i, ms = i => i * ptimeMs } = more
  return Array.from({ length: count }, (_, i) => {
    const spokenUs = (ms(i) + ptimeMs) * 1000 * (1 + ppm / 1e6)
    const payload = new Uint8Array(ptimeMs * 8)
    return rtpPacket(
      payload,
      seq(i),
      0xffff_0000 + ms(i) * 8,
      START_US + Math.round(spokenUs + way(i) * 1000),
    )
  })
    .filter((_, i) => !lost(i))
    .sort((a, b) => a.arrival - b.arrival)
}

interface Played {
  readonly atUs: number
  readonly ts: number
  readonly ticks: number
  readonly packet: RtpPacket | undefined
}
interface Run {
  readonly played: readonly Played[]
  readonly stats: JitterBufferStats
  /** At the end of each second. */
  readonly delays: readonly number[]
}
/** Plays it on a clock of 1 ms. */
const play = (packets: readonly RtpPacket[], lingerMs = 400): Run => {
  const buffer = new JitterBuffer({ rate: RATE })
  const played: Played[] = []
  const delays: number[] = []
  const end = packets.at(-1)!.arrival + lingerMs * 1000
  let index = 0
  for (let now = START_US; now < end; now += 1000) {
    for (; index < packets.length && packets[index]!.arrival <= now; index++) {
      const packet = packets[index]!
      buffer.put(packet, packet.payloadEnd - packet.payloadStart)
    }
    for (let next = buffer.take(now); next !== undefined; next = buffer.take(now)) {
      const packet = typeof next === 'number' ? undefined : next
      const ticks = typeof next === 'number' ? next : next.payloadEnd - next.payloadStart
      played.push({ atUs: now, ts: buffer.takenTs, ticks, packet })
    }
    if ((now - START_US) % 1_000_000 === 0) delays.push(buffer.stats.delayMs)
  }
  return { played, stats: buffer.stats, delays }
}
/** Each begins where the one before it ends. */
const checkJoined = (played: readonly Played[]): void => {
  for (let i = 1; i < played.length; i++) expect(played[i]!.ts).toBe(played[i - 1]!.ts + played[i - 1]!.ticks)
}

describe('an even network', () => {
  test.each([10, 20, 30, 60])('packets of %i ms: all played, in order, after 20 ms', ptimeMs => {
    const { played, stats } = play(trace({ count: 6000 / ptimeMs, ptimeMs }), 21)
    checkJoined(played)
    expect(played.every(({ packet }) => packet !== undefined)).toBe(true)
    expect(played).toHaveLength(6000 / ptimeMs)
    expect(stats).toMatchObject({ late: 0, concealedMs: 0, delayMs: 20 })
  })

  test('over the wraps of sequence number and timestamp', () => {
    const { played, stats } = play(trace({ count: 2000 }), 21)
    checkJoined(played)
    expect(played.filter(({ packet }) => packet !== undefined)).toHaveLength(2000)
    expect(stats.late).toBe(0)
  })

  test('disorder and copies within the delay do no harm', () => {
    const packets = trace({ count: 500, way: i => (i % 7 === 3 ? 55 : 40) })
    const doubled = packets.flatMap((packet, i) => (i % 5 === 0 ? [packet, packet] : [packet]))
    const { played, stats } = play(doubled, 21)
    checkJoined(played)
    expect(played.filter(({ packet }) => packet === undefined).length).toBeLessThanOrEqual(1)
    expect(stats.duplicate + stats.late).toBeGreaterThanOrEqual(100)
  })
})

describe('an uneven network', () => {
  test('112 ms of jitter and 3 % loss: less than 4 % concealed, delay below twice the jitter', () => {
    const random = createRandom(11)
    const packets = trace({ count: 3000, way: () => 30 + random(113), lost: () => random(100) < 3 })
    const { played, stats, delays } = play(packets)
    checkJoined(played)
    const lost = 3000 - packets.length
    expect(stats.concealedMs / 60_000).toBeLessThan(0.04)
    expect(stats.concealedMs).toBeGreaterThanOrEqual(lost * 20 - 40)
    expect(Math.max(...delays)).toBeLessThan(224)
  })

  test('bursts of 150 ms: the delay rises with the first, and falls again', () => {
    const burst = (i: number): number => (i > 500 && i < 700 && i % 40 < 8 ? 40 + (8 - (i % 40)) * 20 : 40)
    const { played, stats, delays } = play(trace({ count: 2000, way: burst }))
    checkJoined(played)
    expect(Math.max(...delays)).toBeGreaterThan(150)
    expect(delays.at(-1)).toBe(20)
    expect(stats.concealedMs).toBeLessThan(300)
    const between = played.filter(({ ts }) => ts > 0xffff_0000 + 580 * 160 && ts < 0xffff_0000 + 640 * 160)
    expect(between.every(({ packet }) => packet !== undefined)).toBe(true)
  })

  test('never more than 200 ms, whatever comes', () => {
    const random = createRandom(2)
    const { delays } = play(trace({ count: 2000, way: () => random(600) }))
    expect(Math.max(...delays)).toBeLessThanOrEqual(200)
  })

  test.each([-500, 500])(
    'a clock that is off by %i ppm for ten minutes: nothing lost, no delay gathered',
    ppm => {
      const random = createRandom(4)
      const { played, stats, delays } = play(trace({ count: 30_000, ppm, way: () => 40 + random(10) }), 40)
      checkJoined(played)
      expect(stats.concealedMs).toBeLessThanOrEqual(40)
      expect(Math.max(...delays)).toBeLessThan(45)
    },
  )
})

describe('senders that pause and begin anew', () => {
  test('a pause of a sender with DTX is silence, not loss', () => {
    const ms = (i: number): number => i * 20 + (i >= 100 ? 700 : 0)
    const { played, stats } = play(trace({ count: 200, ms }), 21)
    checkJoined(played)
    expect(stats).toMatchObject({ silentMs: 700, concealedMs: 0, late: 0 })
  })

  test('what is lost beside a pause counts, and the pause does not', () => {
    const ms = (i: number): number => i * 20 + (i >= 100 ? 700 : 0)
    const { stats } = play(trace({ count: 200, ms, lost: i => i === 99 || i === 100 }), 21)
    expect(stats).toMatchObject({ silentMs: 700, concealedMs: 40 })
  })

  test('a pause of half a minute is silence, a network that is away for as long is loss', () => {
    const ms = (i: number): number => i * 20 + (i >= 100 ? 30_000 : 0)
    expect(play(trace({ count: 200, ms }), 21).stats).toMatchObject({ silentMs: 2000, concealedMs: 0 })
    const away = trace({ count: 1700, lost: i => i >= 100 && i < 1600 })
    expect(play(away, 21).stats).toMatchObject({ silentMs: 0, concealedMs: 2000 })
  })

  test('a long silence ends the concealing; sound goes on where the sender says', () => {
    const ms = (i: number): number => i * 20 + (i >= 100 ? 30_000 : 0)
    const { played } = play(trace({ count: 200, ms }), 21)
    const concealed = played.filter(({ packet }) => packet === undefined)
    expect(concealed.length).toBe(100)
    expect(played.filter(({ packet }) => packet !== undefined)).toHaveLength(200)
  })

  test('a pause in which the time stamps stand still is silence', () => {
    const packets = trace({ count: 200 }).map((packet, i) =>
      i < 100 ? packet : { ...packet, arrival: packet.arrival + 1_500_000 },
    )
    const { stats } = play(packets, 21)
    expect(stats.concealedMs).toBe(0)
    expect(stats.silentMs).toBeGreaterThan(1400)
  })

  test.each([
    ['far ahead', 4_000_000],
    ['far back', -4_000_000],
  ])('time stamps that jump %s begin a new time line', (_, jump) => {
    const packets = trace({ count: 200 })
    const jumped = packets.map((packet, i) =>
      i < 100 ? packet : { ...packet, ts: packet.ts + jump, seq: packet.seq + 7 },
    )
    const { played } = play(jumped, 21)
    expect(played.filter(({ packet }) => packet !== undefined).length).toBeGreaterThanOrEqual(198)
    expect(played.at(-1)!.ts).toBe(jumped.at(-1)!.ts)
  })

  test('a way that becomes 500 ms longer for good is followed', () => {
    const { played, delays } = play(trace({ count: 600, way: i => (i < 300 ? 40 : 540) }))
    expect(played.at(-1)!.packet ?? played.at(-30)!.packet).toBeDefined()
    expect(played.slice(-250, -30).filter(({ packet }) => packet === undefined).length).toBeLessThan(3)
    expect(delays.at(-1)).toBeLessThan(60)
  })

  test('far too much at once is counted and let go', () => {
    const buffer = new JitterBuffer({ rate: RATE })
    for (let i = 0; i < 200; i++) buffer.put(rtpPacket(new Uint8Array(80), i, i * 80, START_US), 80)
    expect(buffer.stats.overflowed).toBeGreaterThan(0)
  })
})
