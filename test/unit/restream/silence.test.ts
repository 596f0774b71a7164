import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createScope } from '../../../src/core/scope.ts'
import { buildAudioSpecificConfig, createAacParams } from '../../../src/media/aac/config.ts'
import { silentAac } from '../../../src/media/aac/silence.ts'
import type { AacParameters, Frame } from '../../../src/media/types.ts'
import { SilenceFiller } from '../../../src/restream/silence.ts'
import { createSilentTrack } from '../../../src/restream/silent-track.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { runProgram } from '../../helpers/program.ts'

const folder = mkdtempSync(join(tmpdir(), 'silence-'))
afterAll(() => rmSync(folder, { recursive: true }))
const params = (rate: number, channels: number): AacParameters =>
  createAacParams(buildAudioSpecificConfig(rate, channels))

describe('a silent access unit', () => {
  test.each<[number, 1 | 2, number]>([
    [48_000, 2, 0],
    [44_100, 2, 187],
    [44_100, 1, 0],
    [48_000, 1, 171],
    [48_000, 2, 900],
  ])(
    '%i Hz, %i channels, filled to %i bytes: ffmpeg decodes it to nothing',
    async (rate, channels, bytes) => {
      const unit = silentAac(channels, bytes)
      expect(unit.length).toBeGreaterThanOrEqual(bytes - 8)
      expect(unit.length).toBeLessThan(bytes + 16)
      const rateIndex = rate === 48_000 ? 3 : 4
      const length = unit.length + 7
      const adts = Uint8Array.of(
        0xff,
        0xf1,
        0x40 | (rateIndex << 2),
        (channels << 6) | (length >> 11),
        (length >> 3) & 0xff,
        ((length & 7) << 5) | 0x1f,
        0xfc,
      )
      const file = join(folder, `${rate}-${channels}-${bytes}.aac`)
      writeFileSync(file, Buffer.concat(Array.from({ length: 100 }, () => Buffer.concat([adts, unit]))))
      const said = await runProgram('ffmpeg', [
        ...['-v', 'info', '-xerror', '-i', file, '-af', 'volumedetect', '-f', 'null', '-'],
      ])
      expect(said).toContain(`n_samples: ${100 * 1024 * channels}`)
      expect(said).toMatch(/max_volume: -91\.0 dB/)
    },
  )

  test('more channels, or SBR, are not made', () => {
    expect(createSilentTrack(params(48_000, 6), 64, createScope('test'))).toBeUndefined()
  })
})

const setup = () => {
  const clock = new ManualClock(0)
  const written: Frame[] = []
  const sink = { write: (frame: Frame) => void written.push(frame) }
  const silence = createSilentTrack(params(48_000, 2), 64, createScope('test'))!
  const filler = new SilenceFiller({ clock, silence, sink })
  const times = (): number[] => written.map(({ dts }) => Math.round((dts * 1e6) / 48_000))
  return { clock, written, filler, silence, sink, times }
}
const gaps = (times: readonly number[]): number[] => times.slice(1).map((time, i) => time - times[i]!)
const frameUs = Math.round((1024 * 1e6) / 48_000)
const ms = 1000

describe('no sound at all', () => {
  test('silence begins with the first picture and never has a hole', () => {
    const { filler, times } = setup()
    for (let i = 0; i < 300; i++) filler.picture(5_000_000 + Math.round((i * 1e6) / 30))
    expect(times()[0]).toBe(5_000_000)
    expect(new Set(gaps(times()).map(gap => Math.abs(gap - frameUs) <= 1))).toEqual(new Set([true]))
    expect(5_000_000 + 299 * 33_333 - times().at(-1)!).toBeLessThan(frameUs)
  })

  test('between rare pictures it goes on by the clock, a little behind', () => {
    const { clock, filler, times } = setup()
    filler.picture(0)
    for (let t = 0; t < 50; t++) {
      clock.advance(100 * ms)
      filler.tick()
    }
    expect(times().at(-1)!).toBeGreaterThan(4_850 * ms)
    expect(times().at(-1)!).toBeLessThanOrEqual(4_900 * ms)
    filler.picture(5_000 * ms)
    expect(Math.max(...gaps(times()))).toBeLessThanOrEqual(frameUs + 1)
  })

  test('a time line that jumps by an hour is not filled with an hour', () => {
    const { filler, written } = setup()
    filler.picture(0)
    filler.picture(3_600_000_000)
    expect(written.length).toBeLessThan(5)
  })
})

describe('sound that stays away', () => {
  const withSound = () => {
    const all = setup()
    all.filler.expectSound({ silence: all.silence, sink: all.sink })
    return all
  }
  test('sound that comes in time is never touched', () => {
    const { filler, written } = withSound()
    let sound = 0
    for (let i = 0; i < 300; i++) {
      filler.picture(i * 33_333)
      // Half a second behind its picture.
      for (; sound * frameUs < i * 33_333 - 500_000; sound++)
        expect(filler.sound(sound * frameUs, frameUs)).toBe(true)
    }
    expect(written).toHaveLength(0)
    expect(filler.counts).toEqual({ silent: 0, late: 0 })
  })

  test('when it stops silence goes on in its place, and gives way when it is back', () => {
    const { filler, times } = withSound()
    const line: number[] = []
    let n = 0
    const upTo = (us: number): void => {
      for (; n * frameUs <= us; n++) {
        const before = times().length
        expect(filler.sound(n * frameUs, frameUs)).toBe(true)
        line.push(...times().slice(before), n * frameUs)
      }
    }
    const picture = (us: number): void => {
      const before = times().length
      filler.picture(us)
      line.push(...times().slice(before))
    }
    for (let us = 0; us < 3_000_000; us += 33_333) {
      picture(us)
      upTo(us)
    }
    for (let us = 3_000_000; us < 8_000_000; us += 33_333) picture(us)
    expect(times().at(-1)!).toBeGreaterThan(6_900_000)
    n = Math.ceil(8_000_000 / frameUs)
    for (let us = 8_000_000; us < 9_000_000; us += 33_333) {
      picture(us)
      upTo(us)
    }
    expect(Math.max(...gaps(line))).toBeLessThanOrEqual(50_000)
    expect(Math.min(...gaps(line))).toBeGreaterThanOrEqual(0)
  })

  test('sound that is slower than thought is waited for longer, instead of being lost for good', () => {
    const { filler } = withSound()
    let n = 0
    let lost = 0
    for (let us = 0; us < 30_000_000; us += 33_333) {
      filler.picture(us)
      for (; n * frameUs < us - 1_500_000; n++) if (!filler.sound(n * frameUs, frameUs)) lost++
    }
    expect(lost).toBeGreaterThan(0)
    expect(lost).toBeLessThan(100)
  })
})
