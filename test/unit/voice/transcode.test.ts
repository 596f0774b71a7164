/** The voice transcoder against ffmpeg as the reference codec at both ends. */
import { describe, expect, test } from 'vitest'
import type { Accept } from '../../../src/core/types.ts'
import type { AudioCodec } from '../../../src/media/types.ts'
import {
  decodeSound,
  frequencyOf,
  levelDb,
  makeSound,
  type Sound,
  worstResidualDb,
} from '../../helpers/sound.ts'
import { packetsOf, throughVoice } from '../../helpers/voice.ts'

const TONE = '0.25*sin(2*PI*997*t)'
const TONE_DB = 20 * Math.log10(0.25 / Math.SQRT2)

const shapes: Record<string, { rate: number; channels: 1 | 2; codec: AudioCodec }> = {
  pcmu: { codec: 'pcmu', rate: 8000, channels: 1 },
  pcma: { codec: 'pcma', rate: 8000, channels: 1 },
  g722: { codec: 'g722', rate: 16_000, channels: 1 },
  'l16 8000': { codec: 'l16', rate: 8000, channels: 1 },
  'l16 44100 stereo': { codec: 'l16', rate: 44_100, channels: 2 },
  opus: { codec: 'opus', rate: 48_000, channels: 2 },
  'opus mono': { codec: 'opus', rate: 48_000, channels: 1 },
}
const targets: Record<string, Accept> = {
  pcmu: { kind: 'audio', codec: 'pcmu', form: 'frame' },
  pcma: { kind: 'audio', codec: 'pcma', form: 'frame' },
  g722: { kind: 'audio', codec: 'g722', form: 'frame' },
  'l16 48000': { kind: 'audio', codec: 'l16', form: 'frame', sampleRate: 48_000, channels: 1 },
  opus: { kind: 'audio', codec: 'opus', form: 'frame' },
}
const pairs = Object.keys(shapes).flatMap(from =>
  Object.keys(targets)
    .filter(to => shapes[from]!.codec !== targets[to]!.codec || to === 'l16 48000')
    .map(to => [from, to] as const),
)

const sounds = new Map<string, Promise<Sound>>()
/** Made once of each shape. */
const soundOf = (name: string): Promise<Sound> => {
  const { codec, rate, channels } = shapes[name]!
  const expressions = Array.from({ length: channels }, () => TONE)
  const sound = sounds.get(name) ?? makeSound({ codec, rate, channels, seconds: 2, expressions })
  sounds.set(name, sound)
  return sound
}

describe('each into each', () => {
  test.each(pairs)('%s → %s: the tone stays, as loud as it was', async (from, to) => {
    const sound = await soundOf(from)
    const { heard, stats } = await throughVoice(sound.params, packetsOf(sound.frames), targets[to]!)
    const frames = heard.map(({ frame }) => frame)
    expect(stats).toMatchObject({ dropped: {}, concealedMs: 0 })
    for (let i = 1; i < frames.length; i++)
      expect(frames[i]!.pts).toBe(frames[i - 1]!.pts + frames[i - 1]!.duration)
    const heardSound = await decodeSound(frames.slice(0, 90))
    const samples = heardSound.channels[0]!.subarray(24_000, 81_600)
    expect(Math.abs(levelDb(samples) - TONE_DB)).toBeLessThan(1)
    expect(frequencyOf(samples, 48_000)).toBeCloseTo(997, 0)
    // Speech codecs are no measuring instruments; a click would stand out even so.
    expect(worstResidualDb(samples, 48_000, 997)).toBeLessThan(-38)
  })
})
