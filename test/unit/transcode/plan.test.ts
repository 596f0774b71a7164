/** What can be made of what, with which arguments. */
import { expect, test } from 'vitest'
import type { Accept } from '../../../src/core/types.ts'
import { GatewayError } from '../../../src/errors.ts'
import { createAacParams } from '../../../src/media/aac/config.ts'
import { createOpusParams } from '../../../src/media/opus/parameters.ts'
import type { AudioCodec, CodecId, CodecParameters } from '../../../src/media/types.ts'
import { sourceStream, targetParams } from '../../../src/transcode/audio/nut.ts'
import { audioArguments } from '../../../src/transcode/audio/recipe.ts'
import { audioTarget, describeTarget } from '../../../src/transcode/audio/target.ts'
import { transcodeCost } from '../../../src/transcode/cost.ts'

const aac = createAacParams(Uint8Array.from([0x12, 0x10]))
const sources: Record<AudioCodec, CodecParameters> = {
  aac,
  opus: createOpusParams(2),
  mp3: { codec: 'mp3', kind: 'audio', clockRate: 44_100, channels: 2 },
  pcmu: { codec: 'pcmu', kind: 'audio', clockRate: 8000, channels: 1 },
  pcma: { codec: 'pcma', kind: 'audio', clockRate: 8000, channels: 1 },
  g722: { codec: 'g722', kind: 'audio', clockRate: 8000, channels: 1 },
  l16: { codec: 'l16', kind: 'audio', clockRate: 44_100, channels: 2 },
}
const h264: CodecParameters = {
  ...{ codec: 'h264', kind: 'video', clockRate: 90_000, sps: undefined, pps: [] },
  ...{ profileLevelId: undefined, size: undefined, reordered: undefined, maxReorder: undefined },
}
const to = (codec: CodecId, more: Partial<Accept> = {}): Accept => ({
  kind: 'audio',
  codec,
  form: 'frame',
  ...more,
})

test.for(Object.keys(sources) as AudioCodec[])(
  '%s becomes Opus, AAC, G.722 and G.711, and nothing else',
  codec => {
    const from = sources[codec]
    for (const target of ['opus', 'aac', 'g722', 'pcmu', 'pcma'] as const)
      expect(transcodeCost(from, to(target))).toBeGreaterThan(0)
    for (const target of ['mp3', 'l16'] as const) expect(transcodeCost(from, to(target))).toBeUndefined()
  },
)

test('full band is cheaper than telephone quality, Opus cheapest', () => {
  const cost = (codec: CodecId): number => transcodeCost(aac, to(codec))!
  expect(cost('opus')).toBeLessThan(cost('aac'))
  expect(cost('aac')).toBeLessThan(cost('g722'))
  expect(cost('g722')).toBeLessThan(cost('pcmu'))
})

test.for([
  ['video', h264, to('opus')],
  ['video as target', aac, { kind: 'video', codec: 'h264', form: 'frame' }],
  ['Opus at another rate', aac, to('opus', { sampleRate: 24_000 })],
  ['six channels', aac, to('aac', { channels: 6 })],
  ['stereo G.711', aac, to('pcmu', { channels: 2 })],
] as const)('%s is not made', ([, from, accept]) => {
  expect(transcodeCost(from, accept)).toBeUndefined()
})

test.for([
  ['aac', to('opus'), 'opus 48000 Hz 2 ch 128 kbit/s'],
  ['aac', to('opus', { channels: 1 }), 'opus 48000 Hz 1 ch 64 kbit/s'],
  ['pcmu', to('opus'), 'opus 48000 Hz 1 ch 64 kbit/s'],
  ['opus', to('aac'), 'aac 48000 Hz 2 ch 128 kbit/s'],
  ['opus', to('aac', { sampleRate: 44_100 }), 'aac 44100 Hz 2 ch 128 kbit/s'],
  ['opus', to('aac', { sampleRate: 12_345 }), 'aac 48000 Hz 2 ch 128 kbit/s'],
  ['pcmu', to('aac', { sampleRate: 8000 }), 'aac 8000 Hz 1 ch 24 kbit/s'],
  ['aac', to('pcma'), 'pcma 8000 Hz 1 ch 64 kbit/s'],
  ['aac', to('g722'), 'g722 8000 Hz 1 ch 64 kbit/s'],
] as const)('%s → %o: %s', ([codec, accept, said]) => {
  expect(describeTarget(audioTarget(sources[codec], accept, 64_000))).toBe(said)
})

test('a target that is none is refused with a code', () => {
  expect(() => audioTarget(aac, to('mp3'), 64_000)).toThrow(GatewayError)
})

test('arguments: pipes only, formats forced, no filter or path from outside', () => {
  for (const from of Object.values(sources))
    for (const codec of ['opus', 'aac', 'g722', 'pcmu', 'pcma'] as const) {
      const args = audioArguments(audioTarget(from, to(codec), 64_000))
      expect(args.slice(args.indexOf('-protocol_whitelist')).slice(0, 2)).toEqual([
        '-protocol_whitelist',
        'pipe',
      ])
      expect(args.join(' ')).toMatch(/ -f nut -i pipe:0 .* -f nut pipe:1$/)
      expect(args.every(argument => /^[\w:=,.-]+$/.test(argument))).toBe(true)
    }
})

test('a decoder is named before the input it is for', () => {
  const args = audioArguments(audioTarget(aac, to('opus'), 64_000), 'libopus').join(' ')
  expect(args).toContain('-c:a libopus -f nut -i pipe:0')
})

test('ffmpeg is told what a source is: tag, rate, channels and codec data', () => {
  expect(sourceStream(aac, 44_100)).toEqual({
    kind: 'audio',
    fourcc: Uint8Array.from([0xff, 0, 0, 0]),
    timeBase: { numerator: 1, denominator: 44_100 },
    codecData: aac.config,
    sampleRate: 44_100,
    channels: 2,
    width: 0,
    height: 0,
  })
  expect(sourceStream(sources.g722, 8000)).toMatchObject({
    sampleRate: 16_000,
    timeBase: { denominator: 8000 },
  })
  expect(sourceStream(h264, 90_000)).toBeUndefined()
})

test('parameters of what comes out: AAC from its codec data, stereo Opus says so', () => {
  const stream = { ...sourceStream(aac, 48_000)!, codecData: Uint8Array.from([0x11, 0x90]) }
  const made = (codec: CodecId): CodecParameters =>
    targetParams(stream, audioTarget(sources.opus, to(codec), 64_000))
  expect(made('aac')).toMatchObject({ codec: 'aac', clockRate: 48_000, channels: 2 })
  expect(made('opus')).toMatchObject({ codec: 'opus', channels: 2, fmtp: 'stereo=1;sprop-stereo=1' })
  expect(made('pcma')).toEqual({ codec: 'pcma', kind: 'audio', clockRate: 8000, channels: 1 })
})
