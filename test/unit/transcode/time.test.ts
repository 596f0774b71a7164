/** The pure parts about time: source line, output line, what waits, when to try again. */
import { expect, test } from 'vitest'
import { createOpusParams } from '../../../src/media/opus/parameters.ts'
import type { CodecParameters, Frame } from '../../../src/media/types.ts'
import { createInputTimeline } from '../../../src/transcode/audio/input-timeline.ts'
import { createOutputTimeline } from '../../../src/transcode/audio/output-timeline.ts'
import { packetDuration } from '../../../src/transcode/audio/packet-duration.ts'
import { InFlight } from '../../../src/transcode/in-flight.ts'
import { createRestartPolicy } from '../../../src/transcode/restart-policy.ts'
import { createStderrTail } from '../../../src/transcode/stderr-tail.ts'

const rate = 48_000
const place = (times: readonly number[], duration = 960): unknown[] => {
  const line = createInputTimeline(rate)
  return times.map(pts => line.place(pts, duration))
}

test.for([
  ['packets that follow each other', [100, 1060, 2020], [100, 1060, 2020]],
  ['rounded times are counted', [0, 950, 1930, 2870], [0, 960, 1920, 2880]],
  ['a lost packet stays a gap', [0, 960, 2880], [0, 960, 2880]],
  ['a silence of 8 s stays a gap', [0, 960 + 8 * rate], [0, 960 + 8 * rate]],
  ['a doubled packet is left out', [0, 960, 960, 1920], [0, 960, 'overlap', 1920]],
  ['11 s ahead is a new clock', [0, 11 * rate + 960], [0, 'jump']],
  ['17 000 s ahead is a new clock', [0, 17_000 * rate], [0, 'jump']],
  ['a step back of 2 s is a new clock', [10 * rate, 8 * rate], [10 * rate, 'jump']],
  ['a step back of 60 ms is waited out', [9600, 9600 + 960 - 2880, 9600], [9600, 'overlap', 'overlap']],
] as const)('source line: %s', ([, times, placed]) => {
  expect(place(times)).toEqual(placed)
})

test('source line: a clock that runs 0.1 % fast is followed within half a packet', () => {
  const line = createInputTimeline(rate)
  let worst = 0
  for (let i = 0; i < 10_000; i++) {
    const pts = Math.round(i * 960 * 1.001)
    worst = Math.max(worst, Math.abs(Number(line.place(pts, 960)) - pts))
  }
  expect(worst).toBeLessThanOrEqual(480)
  expect(line.gaps).toBeGreaterThan(10)
})

test('output line: no negative time, no step back, joins are exact, gaps are said', () => {
  const line = createOutputTimeline()
  expect(line.place(-120, 960)).toBeUndefined()
  expect(line.place(840, 960)).toEqual({ pts: 840, discontinuity: false })
  expect(line.place(1801, 960)).toEqual({ pts: 1800, discontinuity: false })
  expect(line.place(1800, 960)).toBeUndefined()
  expect(line.place(9000, 960)).toEqual({ pts: 9000, discontinuity: true })
  line.reset()
  expect(line.place(5, 960)).toEqual({ pts: 5, discontinuity: false })
})

test('in flight: sound that waits, and since when', () => {
  const waiting = new InFlight()
  for (let i = 0; i < 5; i++) waiting.add((i + 1) * 1000, 1000, i * 20)
  expect([waiting.count, waiting.ticks, waiting.oldestUs]).toEqual([5, 5000, 0])
  expect(waiting.take(500)).toBe(0)
  expect(waiting.take(2500)).toBe(40)
  expect([waiting.count, waiting.ticks, waiting.oldestUs]).toEqual([3, 3000, 40])
  expect(waiting.take(9999)).toBe(80)
  expect(waiting.take(9999)).toBeUndefined()
  expect([waiting.count, waiting.ticks, waiting.oldestUs]).toEqual([0, 0, undefined])
})

test('in flight: wraps round its ring without losing count', () => {
  const waiting = new InFlight()
  for (let i = 0; i < 20_000; i++) {
    waiting.add(i, 1, i)
    if (i >= 100) expect(waiting.take(i - 101)).toBe(i - 99)
  }
  expect(waiting.full).toBe(false)
  for (let i = 20_000; !waiting.full; i++) waiting.add(i, 1, i)
  expect(waiting.count).toBe(4096)
})

test('restarts: 250 ms, doubled, given up at the sixth; a useful run of 10 s forgives', () => {
  const policy = createRestartPolicy()
  const delays = Array.from({ length: 5 }, () => policy.failed(1000, false))
  expect(delays).toEqual([250_000, 500_000, 1_000_000, 2_000_000, 4_000_000])
  expect(policy.failed(20_000_000, true)).toBe(250_000)
  for (let i = 0; i < 4; i++) policy.failed(20_000_000, false)
  expect(policy.failed(1000, true)).toBeUndefined()
})

test('stderr: the last 50 lines, of any flood', () => {
  const tail = createStderrTail()
  tail.push(Buffer.from('one\ntw'))
  tail.push(Buffer.from('o\r\nthree'))
  expect(tail.lines).toEqual(['one', 'two', 'three'])
  for (let i = 0; i < 1000; i++) tail.push(Buffer.from(`line ${i} ${'x'.repeat(500)}\n`))
  expect(tail.lines).toHaveLength(50)
  expect(tail.lines.at(-1)).toMatch(/^line 999 x{291}$/)
  tail.push(Buffer.alloc(1 << 20, 0x41))
  expect(tail.lines.join('').length).toBeLessThanOrEqual(50 * 300)
})

const audio = (codec: 'mp3' | 'pcmu' | 'l16', clockRate: number, channels: number): CodecParameters => ({
  ...{ codec, kind: 'audio', clockRate, channels },
})
const frame = (params: CodecParameters, duration: number): Frame => ({
  ...{ units: [], pts: 0, dts: 0, duration, key: true, params, discontinuity: false, arrival: 0 },
})
test.for([
  ['what the frame says', createOpusParams(2), 480, Uint8Array.from([0xfc, 0]), 48_000, 480],
  ['Opus by its first byte', createOpusParams(2), 0, Uint8Array.from([0xfc, 0]), 48_000, 960],
  ['MP3 at 44.1 kHz', audio('mp3', 44_100, 2), 0, new Uint8Array(417), 44_100, 1152],
  ['MP3 at 22.05 kHz', audio('mp3', 22_050, 2), 0, new Uint8Array(208), 22_050, 576],
  ['G.711 by its bytes', audio('pcmu', 8000, 1), 0, new Uint8Array(160), 8000, 160],
  ['L16 by its bytes', audio('l16', 44_100, 2), 0, new Uint8Array(400), 44_100, 100],
  ['in ticks of the track', audio('pcmu', 8000, 1), 0, new Uint8Array(160), 48_000, 960],
] as const)('duration: %s', ([, params, said, data, tickRate, duration]) => {
  expect(packetDuration(frame(params, said), data, tickRate)).toBe(duration)
})
