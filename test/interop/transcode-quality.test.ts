/** What ffmpeg makes of real sound, measured on the decoded samples. */
import { describe, expect, test } from 'vitest'
import type { Accept } from '../../src/core/types.ts'
import type { AudioCodec, Frame } from '../../src/media/types.ts'
import {
  decodeSound,
  frequencyOf,
  levelDb,
  makeSound,
  onsetOf,
  type SoundOptions,
  worstResidualDb,
} from '../helpers/sound.ts'
import { type Bench, openBench } from '../helpers/transcode-bench.ts'

const accept = (codec: AudioCodec, channels: number, sampleRate: number): Accept => ({
  kind: 'audio',
  codec,
  form: 'frame',
  channels,
  sampleRate,
})
const opus = accept('opus', 2, 48_000)
const aac = accept('aac', 2, 48_000)

/** The whole way: sound in, everything that came out. */
const through = async (frames: readonly Frame[], to: Accept): Promise<Bench & { out: readonly Frame[] }> => {
  const bench = openBench({ params: frames[0]!.params, to })
  await bench.feed(frames)
  await bench.job.close({ code: 'source-ended' })
  return { ...bench, out: bench.frames }
}
const contiguous = (frames: readonly Frame[]): boolean =>
  frames.every((frame, i) => i === 0 || frame.pts === frames[i - 1]!.pts + frames[i - 1]!.duration)
const middle = (samples: Float32Array): Float32Array =>
  samples.subarray(Math.floor(samples.length * 0.1), Math.floor(samples.length * 0.9))

const tone = (frequency: number, amplitude = 0.25): string => `${amplitude}*sin(2*PI*${frequency}*t)`
const stereo: Omit<SoundOptions, 'codec' | 'rate'> = {
  channels: 2,
  seconds: 5,
  expressions: [tone(440), tone(880)],
}

describe('quality', () => {
  const ways = [
    ['aac', 44_100, opus],
    ['aac', 48_000, opus],
    ['mp3', 44_100, opus],
    ['opus', 48_000, aac],
    ['mp3', 44_100, accept('aac', 2, 44_100)],
    ['l16', 44_100, opus],
  ] as const
  test.for(ways)('%s %i → %o: both channels keep their tone and level', async ([codec, rate, to]) => {
    const sound = await makeSound({ ...stereo, codec, rate })
    const { out, log } = await through(sound.frames, to)
    expect(log.filter(({ level }) => level === 'warn').map(({ fields }) => fields)).toEqual([])
    expect(contiguous(out)).toBe(true)
    const [before, after] = [await decodeSound(sound.frames), await decodeSound(out)]
    expect(after.channels).toHaveLength(2)
    for (const [channel, frequency] of [440, 880].entries()) {
      const [was, is] = [middle(before.channels[channel]!), middle(after.channels[channel]!)]
      expect(Math.abs(frequencyOf(is, 48_000) - frequency)).toBeLessThan(2)
      expect(Math.abs(levelDb(is) - levelDb(was))).toBeLessThan(1)
    }
  })

  const telephone = [
    ['pcmu', opus],
    ['pcma', opus],
    ['g722', opus],
    ['opus', accept('pcmu', 1, 8_000)],
    ['aac', accept('pcma', 1, 8_000)],
    ['aac', accept('g722', 1, 8_000)],
    ['g722', accept('aac', 1, 16_000)],
    ['pcmu', accept('aac', 1, 8_000)],
  ] as const
  test.for(telephone)('%s → %o: a mono tone of 1000 ± 2 Hz at its level', async ([codec, to]) => {
    const rate = codec === 'opus' || codec === 'aac' ? 48_000 : codec === 'g722' ? 16_000 : 8_000
    const sound = await makeSound({ codec, rate, channels: 1, seconds: 4, expressions: [tone(1000)] })
    const { out } = await through(sound.frames, { ...to, channels: 1 })
    const { channels } = await decodeSound(out)
    expect(channels).toHaveLength(1)
    expect(Math.abs(frequencyOf(middle(channels[0]!), 48_000) - 1000)).toBeLessThan(2)
    expect(Math.abs(levelDb(middle(channels[0]!)) - 20 * Math.log10(0.25 / Math.SQRT2))).toBeLessThan(1)
    if (to.codec === 'pcmu' || to.codec === 'pcma')
      expect(out.slice(0, -1).every(({ duration }) => duration === 160)).toBe(true)
  })

  test.for([
    ['aac', 44_100, opus],
    ['opus', 48_000, aac],
  ] as const)(
    '%s %i → %o: a minute of sine without a click, and as long as it was',
    async ([codec, rate, to]) => {
      const sound = await makeSound({
        ...{ codec, rate, channels: 2, seconds: 60, bitrate: '192k' },
        expressions: [tone(1000), tone(1000)],
      })
      const { out } = await through(sound.frames, to)
      expect(contiguous(out)).toBe(true)
      const { channels } = await decodeSound(out)
      expect(worstResidualDb(middle(channels[0]!), 48_000, 1000)).toBeLessThan(-60)
      const last = sound.frames.at(-1)!
      const seconds = (last.pts + last.duration) / rate
      const end = (out.at(-1)!.pts + out.at(-1)!.duration) / 48_000
      expect(Math.abs(end - seconds) * 48_000).toBeLessThanOrEqual(1024)
    },
  )

  test('the bit rate and the channel count are those asked for', async () => {
    const noise = '0.2*(random(0)-0.5)'
    const sound = await makeSound({ ...stereo, codec: 'aac', rate: 44_100, expressions: [noise, noise] })
    const both = await through(sound.frames, opus)
    const bits = both.out.reduce((sum, { units }) => sum + units[0]!.length * 8, 0)
    expect(bits / ((both.out.length * 960) / 48_000)).toBeGreaterThan(100_000)
    expect(bits / ((both.out.length * 960) / 48_000)).toBeLessThan(145_000)
    const mono = await makeSound({ ...stereo, channels: 1, codec: 'aac', rate: 44_100, expressions: [noise] })
    const one = await through(mono.frames, { ...opus, channels: 1 })
    expect(one.out[0]!.params).toMatchObject({ codec: 'opus', channels: 1, clockRate: 48_000 })
  })
})

describe('time', () => {
  const beeps = 'if(gt(mod(t,1),0.5),0.5*sin(2*PI*1500*t),0)'
  const ways = [
    ['aac', 44_100, opus],
    ['opus', 48_000, aac],
    ['mp3', 44_100, opus],
    ['pcmu', 8_000, opus],
    ['opus', 48_000, accept('pcmu', 1, 8_000)],
  ] as const
  test.for(ways)('%s %i → %o: a beep stays where it was on the time line', async ([codec, rate, to]) => {
    const sound = await makeSound({ codec, rate, channels: 1, seconds: 3, expressions: [beeps] })
    const { out } = await through(sound.frames, { ...to, channels: 1 })
    const [before, after] = [await decodeSound(sound.frames), await decodeSound(out)]
    const was = before.start + onsetOf(before.channels[0]!, before.rate)
    const is = after.start + onsetOf(after.channels[0]!, after.rate)
    expect(Math.abs(is - was)).toBeLessThan(0.005)
  })
})
