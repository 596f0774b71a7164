/** Paced sound on a clock that the test turns: what leaves, when, with which numbers. */
import { describe, expect, test } from 'vitest'
import type { TrackClock } from '../../../src/core/types.ts'
import { type Digit, parseDigits } from '../../../src/media/dtmf/digits.ts'
import { createEventReader } from '../../../src/media/dtmf/event-reader.ts'
import { ToneDetector } from '../../../src/media/dtmf/tone-detector.ts'
import { decodeG711, encodeG711, lawOf } from '../../../src/media/g711/law.ts'
import { G722Decoder } from '../../../src/media/g722/decoder.ts'
import type { RtpPacket } from '../../../src/media/types.ts'
import { createPacedAudio } from '../../../src/rtp-session/plain/paced-audio.ts'
import type { PacedAudio, PacedFormat } from '../../../src/rtp-session/plain/paced-types.ts'
import type { RtpSource } from '../../../src/rtp-session/plain/types.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { createRandom } from '../../helpers/random.ts'
import { rtpPacket } from '../../helpers/voice.ts'

const pcmu: PacedFormat = {
  ...{ codec: 'pcmu', clockRate: 8000, channels: 1, payloadType: 0 },
  events: { payloadType: 101, clockRate: 8000 },
}
const g722: PacedFormat = { ...pcmu, codec: 'g722', payloadType: 9 }
const opus: PacedFormat = { ...pcmu, codec: 'opus', clockRate: 48_000, channels: 2, payloadType: 96 }

interface Sent {
  readonly packet: RtpPacket
  readonly payload: Uint8Array
  readonly payloadType: number
  readonly dueUs: number
  readonly queuedUs: number
}
interface Scene {
  readonly clock: ManualClock
  readonly paced: PacedAudio
  readonly sent: Sent[]
  readonly sources: RtpSource[]
}
const scene = (format: PacedFormat): Scene => {
  const clock = new ManualClock()
  const sent: Sent[] = []
  const sources: RtpSource[] = []
  const write = (packet: RtpPacket, payloadType = -1, dueUs = 0): void => {
    const payload = packet.bytes.slice(packet.payloadStart, packet.payloadEnd)
    sent.push({ packet, payload, payloadType, dueUs, queuedUs: clock.now() })
  }
  const paced = createPacedAudio(
    source => {
      sources.push(source)
      return { write, retarget: next => void sources.push(next) }
    },
    format,
    clock,
  )
  return { clock, paced, sent, sources }
}

const law = lawOf('pcmu')
/** A tone of 400 Hz that goes on from packet to packet: 20 samples a period. */
const tone = (ts: number, ticks: number): Uint8Array =>
  encodeG711(
    law,
    Int16Array.from({ length: ticks }, (_, i) => 8000 * Math.sin((2 * Math.PI * 400 * (ts + i)) / 8000)),
  )

interface Feed {
  readonly seconds: number
  readonly ptimeMs?: number
  readonly fromMs?: number
  /** Milliseconds that packet `i` is late. */
  readonly late?: (i: number) => number
  readonly lost?: (i: number) => boolean
  /** The source's clock against ours. */
  readonly ppm?: number
}
/** Packets of the tone, in the order of their arrival, 160 ms after the scene began at the earliest. */
const feed = ({ clock, paced }: Scene, options: Feed): void => {
  const { seconds, ptimeMs = 20, fromMs = 0, late = () => 0, lost = () => false, ppm = 0 } = options
  const ticks = ptimeMs * 8
  const begin = clock.now()
  const packets = Array.from({ length: Math.round((seconds * 1000) / ptimeMs) }, (_, i) => {
    const ts = fromMs * 8 + i * ticks
    const spoken = (i + 1) * ptimeMs * 1000 * (1 + ppm / 1e6)
    return rtpPacket(
      tone(ts, ticks),
      1000 + Math.round(ts / ticks),
      ts,
      begin + Math.round(spoken + late(i) * 1000),
    )
  })
  for (const packet of packets.filter((_, i) => !lost(i)).sort((a, b) => a.arrival - b.arrival)) {
    clock.advance(packet.arrival - clock.now())
    paced.sink.write(packet)
  }
}

const intervals = (sent: readonly Sent[]): number[] =>
  sent.slice(1).map(({ dueUs }, i) => (dueUs - sent[i]!.dueUs) / 1000)
/** The 99th percentile of how far intervals are from 20 ms. */
const unevenness = (sent: readonly Sent[]): number => {
  const errors = intervals(sent)
    .map(interval => Math.abs(interval - 20))
    .sort((a, b) => a - b)
  return errors[Math.floor(errors.length * 0.99)]!
}
const samplesOf = (sent: readonly Sent[]): Int16Array =>
  decodeG711(law, Uint8Array.from(sent.flatMap(({ payload }) => [...payload])))
const checkNumbers = (sent: readonly Sent[]): void => {
  for (let i = 1; i < sent.length; i++) {
    expect(sent[i]!.packet.seq).toBe(sent[i - 1]!.packet.seq + 1)
    expect(sent[i]!.packet.ts - sent[i - 1]!.packet.ts).toBeGreaterThanOrEqual(sent[i - 1]!.payload.length)
  }
}

describe('an even pace', () => {
  test('of an even source: 20 ms, numbers without a gap, hardly any delay', () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 5 })
    // At first it makes up for the silence that was handed over in advance.
    const sent = stage.sent.slice(90, -5)
    checkNumbers(stage.sent)
    expect(unevenness(sent)).toBeLessThan(0.1)
    expect(sent.every(({ packet }, i) => i === 0 || packet.ts === sent[i - 1]!.packet.ts + 160)).toBe(true)
    expect(stage.paced.stats).toMatchObject({ skipped: 0, malformed: 0 })
    expect(stage.paced.stats.delayMs).toBeLessThan(15)
  })

  test.each([10, 20, 30, 40, 60])('packets of %i ms come out as 20 ms, byte for byte', ptimeMs => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 3, ptimeMs })
    const sound = stage.sent.filter(({ payload }) => payload.some(code => code !== law.silence))
    expect(sound.every(({ payload }) => payload.length === 160)).toBe(true)
    const first = sound.findIndex(({ packet }) => packet.marker)
    const flat = sound.slice(first + 1, first + 101).flatMap(({ payload }) => [...payload])
    expect(Uint8Array.from(flat)).toEqual(tone(160, flat.length))
    expect(unevenness(sound.slice(10, -5))).toBeLessThan(1.5)
  })

  test('of a source that bursts: once known, it leaves evenly', () => {
    const stage = scene(pcmu)
    // Five packets at once every 100 ms.
    feed(stage, { seconds: 8, late: i => (4 - (i % 5)) * 20 })
    const sent = stage.sent.slice(50, -10)
    expect(unevenness(sent)).toBeLessThan(5)
    expect(stage.paced.stats.skipped).toBe(0)
    checkNumbers(stage.sent)
  })

  test('with jitter of 60 ms and 3 % loss; the tone has no click', () => {
    const random = createRandom(7)
    const stage = scene(pcmu)
    feed(stage, { seconds: 10, late: () => random(60), lost: () => random(100) < 3 })
    const sent = stage.sent.slice(200, -10)
    expect(unevenness(sent)).toBeLessThan(5)
    checkNumbers(stage.sent)
    const samples = samplesOf(sent)
    const largest = samples.reduce(
      (most, s, i) => (i === 0 ? 0 : Math.max(most, Math.abs(s - samples[i - 1]!))),
      0,
    )
    // The tone itself rises by 2500 from sample to sample at most.
    expect(largest).toBeLessThan(4500)
  })

  test('the delay falls again when the network is even again', () => {
    const random = createRandom(3)
    const stage = scene(pcmu)
    feed(stage, { seconds: 4, late: () => random(100) })
    expect(stage.paced.stats.delayMs).toBeGreaterThan(25)
    feed(stage, { seconds: 14, fromMs: 4000 })
    expect(stage.paced.stats.delayMs).toBeLessThan(15)
    expect(stage.paced.stats.skipped).toBe(0)
  })

  test.each([-300, 300])(
    'a source that is off by %i ppm for five minutes: nothing made up, nothing left out',
    ppm => {
      const stage = scene(pcmu)
      feed(stage, { seconds: 1, ppm })
      const { filled } = stage.paced.stats
      feed(stage, { seconds: 300, fromMs: 1000, ppm })
      expect(stage.paced.stats).toMatchObject({ filled, skipped: 0 })
      expect(stage.paced.stats.delayMs).toBeLessThan(25)
    },
  )
})

describe('a time line that never stops', () => {
  test('silence leaves from the beginning, handed over in good time', () => {
    const stage = scene(pcmu)
    stage.clock.advance(2_000_000)
    expect(stage.sent.length).toBeGreaterThanOrEqual(100)
    expect(unevenness(stage.sent)).toBe(0)
    expect(stage.sent.slice(5).every(({ dueUs, queuedUs }) => dueUs - queuedUs > 20_000)).toBe(true)
    expect(stage.sent.every(({ payload }) => payload.length === 160)).toBe(true)
    expect(stage.paced.stats.filled).toBe(stage.sent.length)
  })

  test('a source that stalls for 3 s: packets go on, and timestamps say what the clock says', () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 2 })
    stage.clock.advance(3_000_000)
    feed(stage, { seconds: 2, fromMs: 5000 })
    checkNumbers(stage.sent)
    const all = stage.sent.slice(20, -5)
    expect(Math.max(...intervals(all))).toBeLessThan(45)
    const [first, last] = [all[0]!, all.at(-1)!]
    const behindMs = (last.dueUs - first.dueUs) / 1000 - (last.packet.ts - first.packet.ts) / 8
    expect(Math.abs(behindMs)).toBeLessThan(100)
    expect(all.filter(({ packet }) => packet.marker)).toHaveLength(1)
  })

  test('another source and another format: numbers go on', () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 1 })
    stage.paced.retarget()
    feed(stage, { seconds: 1, fromMs: 777_000 })
    checkNumbers(stage.sent)
    stage.paced.adopt({ ...pcmu, codec: 'pcma', payloadType: 8 })
    stage.clock.advance(1_000_000)
    expect(stage.sent.at(-1)).toMatchObject({ payloadType: 8 })
    const seqs = stage.sent.map(({ packet }) => packet.seq)
    expect(seqs).toEqual(seqs.map((_, i) => seqs[0]! + i))
    const [before, after] = stage.sources.slice(-2)
    const lastPcmu = stage.sent.findLast(({ payloadType }) => payloadType === 0)!
    const firstPcma = stage.sent.find(({ payloadType }) => payloadType === 8)!
    const passedUs =
      after!.clock.toStreamTime(firstPcma.packet.ts) - before!.clock.toStreamTime(lastPcmu.packet.ts)
    expect(passedUs / 1000).toBeCloseTo(20, 0)
    const report = after!.clock.toWall(firstPcma.packet.ts)! - (stage.clock.wall() - stage.clock.now())
    expect(Math.abs(report - firstPcma.dueUs)).toBeLessThan(1000)
  })

  test('reports tell when sound was captured, where the clock of the track is known', () => {
    const stage = scene(pcmu)
    const captured = { rate: 8000, toWall: (ts: number) => 5_000_000 + ts * 125 } as TrackClock
    stage.paced.retarget(captured)
    feed(stage, { seconds: 2, ptimeMs: 30 })
    const sound = stage.sent.findLast(({ payload }) => payload.some(code => code !== law.silence))!
    const at = samplesOf([sound])
    const [source] = stage.sources
    const wall = source!.clock.toWall(sound.packet.ts)!
    const sourceTs = (wall - 5_000_000) / 125
    expect(at).toEqual(decodeG711(law, tone(sourceTs, 160)))
  })

  test('muted: silence, whatever comes; then sound again', () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 1 })
    stage.paced.mute(true)
    stage.clock.advance(100_000)
    const from = stage.sent.length
    feed(stage, { seconds: 2, fromMs: 1100 })
    const quiet = samplesOf(stage.sent.slice(from + 10, from + 90))
    expect(Math.max(...quiet.map(Math.abs))).toBeLessThan(300)
    stage.paced.mute(false)
    feed(stage, { seconds: 1, fromMs: 3100 })
    expect(Math.max(...samplesOf(stage.sent.slice(-20)).map(Math.abs))).toBeGreaterThan(7000)
  })

  test('paused: nothing leaves, and no number is missing afterwards', () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 1 })
    stage.paced.pause(true)
    const { length } = stage.sent
    feed(stage, { seconds: 5, fromMs: 1000 })
    expect(stage.sent).toHaveLength(length)
    stage.paced.pause(false)
    feed(stage, { seconds: 1, fromMs: 6000 })
    expect(stage.sent[length]!.packet.seq).toBe(stage.sent[length - 1]!.packet.seq + 1)
    const passedMs = (stage.sent[length]!.packet.ts - stage.sent[length - 1]!.packet.ts) / 8
    expect(Math.abs(passedMs - 5000)).toBeLessThan(100)
  })

  test('Opus is passed whole; gaps tell the far side to conceal', () => {
    const stage = scene(opus)
    const begin = stage.clock.now()
    for (let i = 0; i < 50; i++) {
      stage.clock.advance(begin + (i + 1) * 20_000 - stage.clock.now())
      if (i !== 30)
        stage.paced.sink.write(rtpPacket(Uint8Array.of(0x78, i, i), i, i * 960, stage.clock.now()))
    }
    const sound = stage.sent.filter(({ payload }) => payload[0] === 0x78)
    expect(sound.filter(({ payload }) => payload.length === 3)).toHaveLength(49)
    expect(sound.filter(({ payload }) => payload.length === 1)).toHaveLength(1)
    expect(unevenness(sound)).toBeLessThan(2)
  })

  test('damage is counted and let pass; after the end nothing leaves', () => {
    const stage = scene({ ...pcmu, codec: 'l16', channels: 2 })
    stage.paced.sink.write(rtpPacket(Uint8Array.of(1, 2, 3), 1, 0, stage.clock.now()))
    expect(stage.paced.stats.malformed).toBe(1)
    stage.paced.close()
    const { length } = stage.sent
    stage.clock.advance(1_000_000)
    stage.paced.sink.write(rtpPacket(Uint8Array.of(1, 2, 3, 4), 2, 1, stage.clock.now()))
    expect(stage.sent).toHaveLength(length)
    expect(stage.clock.pending).toBe(0)
  })
})

describe('digits', () => {
  const dial = async (stage: Scene, digits: readonly Digit[], way: 'rfc4733' | 'in-band'): Promise<void> => {
    let done = false
    void stage.paced.sendDigits(digits, way, { durationMs: 60, gapMs: 60 }).then(() => {
      done = true
    })
    for (let i = 0; i < 400 && !done; i++) {
      await settle()
      stage.clock.advance(10_000)
    }
    await settle()
    expect(done).toBe(true)
  }

  test('as telephone events: read again, on the same numbers, while a source goes on', async () => {
    const stage = scene(pcmu)
    feed(stage, { seconds: 1 })
    const digits = parseDigits('112358*#')!
    await dial(stage, digits, 'rfc4733')
    feed(stage, { seconds: 1, fromMs: 4000 })
    const events = stage.sent.filter(({ payloadType }) => payloadType === 101)
    const reader = createEventReader()
    expect(events.map(({ packet }) => reader.read(packet) ?? '').join('')).toBe('112358*#')
    const presses = Map.groupBy(events, ({ packet }) => packet.ts)
    expect(presses.size).toBe(8)
    for (const [ts, press] of presses) {
      expect(press.map(({ packet }) => packet.marker)).toEqual([true, ...press.slice(1).map(() => false)])
      expect(press.filter(({ payload }) => (payload[1]! & 0x80) !== 0)).toHaveLength(3)
      expect(ts).toBe(press[0]!.packet.ts)
    }
    const seqs = stage.sent.map(({ packet }) => packet.seq)
    expect(seqs).toEqual(seqs.map((_, i) => seqs[0]! + i))
    expect(unevenness(stage.sent.slice(20, -5))).toBeLessThan(25)
  })

  test.each([pcmu, g722])('as tones in $codec', async format => {
    const stage = scene(format)
    stage.clock.advance(200_000)
    await dial(stage, parseDigits('147*2580')!, 'in-band')
    let heard = ''
    const isWide = format.codec === 'g722'
    const detector = new ToneDetector(isWide ? 16_000 : 8000, digit => {
      heard += digit
    })
    const decoder = new G722Decoder()
    for (const { payload } of stage.sent)
      detector.push(isWide ? decoder.decode(payload) : decodeG711(law, payload))
    expect(heard).toBe('147*2580')
  })

  test('ways are those that were agreed on', async () => {
    expect(scene(pcmu).paced.digitWays).toEqual(['rfc4733', 'in-band'])
    expect(scene(opus).paced.digitWays).toEqual(['rfc4733'])
    const { paced } = scene({ codec: 'pcma', clockRate: 8000, channels: 1, payloadType: 8 })
    await expect(paced.sendDigits(['1'], 'rfc4733')).rejects.toMatchObject({ code: 'unsupported-codec' })
  })
})
