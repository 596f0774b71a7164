/** Sources as they are in the field: in real time, with holes, with new clocks, with new formats, with damage. */
import { describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import type { Accept } from '../../src/core/types.ts'
import { createAacParams } from '../../src/media/aac/config.ts'
import type { Frame } from '../../src/media/types.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { decodeSound, frequencyOf, makeSound, type Sound, shifted } from '../helpers/sound.ts'
import { type Bench, openBench } from '../helpers/transcode-bench.ts'

const opus: Accept = { kind: 'audio', codec: 'opus', form: 'frame', sampleRate: 48_000, channels: 2 }
const aac: Accept = { ...opus, codec: 'aac' }
const expressions = ['0.25*sin(2*PI*1000*t)', '0.25*sin(2*PI*1000*t)']
const makeAac = (seconds: number): Promise<Sound> =>
  makeSound({ codec: 'aac', rate: 44_100, channels: 2, seconds, expressions })
const makeOpus = (seconds: number): Promise<Sound> =>
  makeSound({ codec: 'opus', rate: 48_000, channels: 2, seconds, expressions })

const secondsOf = ({ pts, params }: Frame): number => pts / params.clockRate
const rising = (frames: readonly Frame[]): boolean =>
  frames.every((f, i) => i === 0 || f.pts > frames[i - 1]!.pts)
const gapsOf = (frames: readonly Frame[]): { readonly at: number; readonly seconds: number }[] =>
  frames.flatMap((frame, i) => {
    const before = frames[i - 1]
    if (before === undefined || !frame.discontinuity) return []
    return [
      { at: secondsOf(before), seconds: (frame.pts - before.pts - before.duration) / frame.params.clockRate },
    ]
  })
const finish = async (bench: Bench): Promise<readonly Frame[]> => {
  await bench.job.close({ code: 'source-ended' })
  return bench.frames
}

describe('in real time', () => {
  const quantile = (values: readonly number[], q: number): number =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length * q)]!

  /** Each packet when it is complete at a live source: at the end of its time. */
  const play = async (bench: Bench, frames: readonly Frame[]): Promise<number> => {
    const start = systemClock.now()
    for (const frame of frames) {
      const due = start + secondsOf({ ...frame, pts: frame.pts + frame.duration }) * 1e6
      await new Promise<void>(
        resolve => void systemClock.after(Math.max(0, due - systemClock.now()), resolve),
      )
      bench.write(frame)
    }
    return start
  }

  test.for([
    ['AAC → Opus', makeAac, opus],
    ['Opus → AAC', makeOpus, aac],
  ] as const)('%s: latency', async ([, make, to]) => {
    const { params, frames } = await make(4)
    await using bench = openBench({ params, to })
    const start = await play(bench, frames)
    // How much later than a packet's own end it is out, had it been sent without a detour.
    const late = bench.heard.slice(10).map(({ frame, at }) => {
      const end = (frame.pts + frame.duration) / frame.params.clockRate
      return (at - start) / 1000 - end * 1000
    })
    // What it is on a quiet machine is for the benches; here nothing may wait for a second of sound.
    expect(quantile(late, 0.5)).toBeLessThan(1000)
    expect(bench.job.stats.dropped).toEqual({})
  })
})

describe('a source', () => {
  test('that loses packets: the loss stays a gap, what follows keeps its time', async () => {
    const { params, frames } = await makeOpus(4)
    await using bench = openBench({ params, to: aac })
    await bench.feed(frames.filter((_, i) => i !== 50 && (i < 100 || i > 105)))
    const out = await finish(bench)
    expect(rising(out)).toBe(true)
    const gaps = gapsOf(out)
    expect(gaps).toHaveLength(2)
    expect(gaps[0]!.seconds).toBeCloseTo(0.02, 3)
    expect(gaps[1]!.seconds).toBeCloseTo(0.12, 3)
    expect(secondsOf(out.at(-1)!)).toBeGreaterThan(3.9)
  })

  test('that pauses for 8 s: nothing is squeezed, nothing is made up', async () => {
    const { params, frames } = await makeAac(4)
    const half = Math.floor(frames.length / 2)
    await using bench = openBench({ params, to: opus })
    await bench.feed([...frames.slice(0, half), ...shifted(frames.slice(half), 8 * 44_100)])
    const out = await finish(bench)
    expect(gapsOf(out)).toHaveLength(1)
    expect(gapsOf(out)[0]!.seconds).toBeCloseTo(8, 1)
    const end = frames.at(-1)!
    expect(secondsOf(out.at(-1)!)).toBeCloseTo((end.pts + end.duration) / 44_100 + 8, 1)
  })

  test('that pauses: what the encoder still held does not turn up late', async () => {
    const { params, frames } = await makeOpus(3)
    const clock = new ManualClock()
    await using bench = openBench({ params, to: aac, clock })
    await bench.feed(frames.slice(0, 60))
    await bench.until(() => secondsOf(bench.frames.at(-1)!) > 1.1)
    const before = bench.heard.length
    clock.advance(5_000_000)
    await bench.feed(shifted(frames.slice(60), 5 * 48_000))
    await bench.until(() => bench.heard.length > before + 20)
    expect(secondsOf(bench.frames[before]!)).toBeGreaterThan(6)
    expect(bench.job.stats.dropped.stale).toBeGreaterThan(0)
  })

  test.for([
    ['ahead by 17 000 s', 17_000 * 44_100],
    ['back by 20 s', -20 * 44_100],
  ] as const)('whose clock is set %s: times follow it, a new run takes over', async ([, ticks]) => {
    const { params, frames } = await makeAac(4)
    const late = shifted(frames, 30 * 44_100)
    const half = Math.floor(frames.length / 2)
    await using bench = openBench({ params, to: opus })
    await bench.feed(late.slice(0, half))
    await bench.until(() => secondsOf(bench.frames.at(-1)!) > 31.7)
    const moved = shifted(late.slice(half), ticks)
    for (const frame of moved) bench.write(frame)
    await bench.until(() => Math.abs(secondsOf(bench.frames.at(-1)!) - secondsOf(moved.at(-1)!)) < 0.1)
    const out = await finish(bench)
    const joint = out.findIndex((frame, i) => i > 0 && Math.abs(frame.pts - out[i - 1]!.pts) > 48_000)
    expect(Math.abs(secondsOf(out[joint]!) - secondsOf(moved[0]!))).toBeLessThan(0.025)
    expect(rising(out.slice(0, joint)) && rising(out.slice(joint))).toBe(true)
    expect(bench.job.stats.restarts).toBe(0)
    expect(
      bench.log.filter(({ message }) => message.includes('the clock of the source was set')),
    ).toHaveLength(1)
    expect(
      frequencyOf((await decodeSound(out.slice(joint))).channels[0]!.subarray(9600, -9600), 48_000),
    ).toBeCloseTo(1000, 0)
  })

  test('whose format changes, 44.1 kHz stereo to 48 kHz mono: one track, one time line', async () => {
    const first = await makeAac(2)
    const second = await makeSound({
      ...{ codec: 'aac', rate: 48_000, channels: 1, seconds: 2, expressions: [expressions[0]!] },
    })
    await using bench = openBench({ params: first.params, to: opus })
    await bench.feed(first.frames)
    const end = first.frames.at(-1)!
    // The track's clock stays what it was: 44 100 ticks a second.
    const ratio = 44_100 / 48_000
    const retimed = second.frames.map(frame => {
      const pts = Math.round(end.pts + end.duration + frame.pts * ratio)
      return { ...frame, pts, dts: pts, duration: frame.duration * ratio }
    })
    await bench.until(() => secondsOf(bench.frames.at(-1)!) > 1.9)
    await bench.feed(retimed)
    await bench.until(() => secondsOf(bench.frames.at(-1)!) > 3.9)
    const out = await finish(bench)
    expect(rising(out)).toBe(true)
    // Pre-skip and padding where one encoder hands over to the next: at most two packets.
    expect(gapsOf(out).every(({ seconds }) => seconds < 0.04)).toBe(true)
    expect(bench.params).toHaveLength(1)
    expect(bench.job.stats.from).toBe('aac 48000 Hz 1 ch')
    expect(
      frequencyOf((await decodeSound(out)).channels[0]!.subarray(48_000 * 2.5, -9600), 48_000),
    ).toBeCloseTo(1000, 0)
  })

  test('that repeats its parameters as new objects is not interrupted', async () => {
    const { params, frames } = await makeAac(2)
    if (params.codec !== 'aac') return
    await using bench = openBench({ params, to: opus })
    await bench.feed(frames.map(frame => ({ ...frame, params: createAacParams(params.config) })))
    expect(gapsOf(await finish(bench))).toEqual([])
    expect(bench.log.map(({ message }) => message)).toEqual([
      'transcode started',
      'transcode stopped: source-ended',
    ])
  })

  /** Opus of one byte (DTX), of silence, and of speech (SILK), between packets of music (CELT). */
  test.for([
    ['DTX', [0xfc]],
    ['silence', [0xfc, 0xff, 0xfe]],
    ['speech', [0x08, 0x0b, 0xe4]],
  ] as const)('that changes to %s and back is continuous', async ([, packet]) => {
    const { params, frames } = await makeOpus(3)
    const units = [Uint8Array.from(packet)]
    await using bench = openBench({ params, to: aac })
    await bench.feed(frames.map((frame, i) => (i >= 50 && i < 100 ? { ...frame, units } : frame)))
    expect(gapsOf(await finish(bench))).toEqual([])
    expect(bench.job.stats.dropped).toEqual({})
  })

  test('with damaged packets: they are missing, the others keep their time', async () => {
    const { params, frames } = await makeAac(4)
    const noise = Uint8Array.from({ length: 300 }, (_, i) => (i * 167 + 13) & 255)
    await using bench = openBench({ params, to: opus })
    await bench.feed(frames.map((frame, i) => (i % 40 === 20 ? { ...frame, units: [noise] } : frame)))
    const out = await finish(bench)
    expect(rising(out)).toBe(true)
    expect(bench.job.stats.restarts).toBe(0)
    const end = frames.at(-1)!
    expect(Math.abs(secondsOf(out.at(-1)!) - (end.pts + end.duration) / 44_100)).toBeLessThan(0.03)
  })
})
