/** AAC, Opus and MP3: configuration and headers. */
import { describe, expect, test } from 'vitest'
import { readAdtsHeader } from '../../../src/media/aac/adts.ts'
import {
  buildAudioSpecificConfig,
  createAacParams,
  parseAudioSpecificConfig,
} from '../../../src/media/aac/config.ts'
import { createMp3Params, readMp3Header } from '../../../src/media/mp3/header.ts'
import { buildOpusHead, createOpusParams, parseOpusHead } from '../../../src/media/opus/parameters.ts'
import { readOpusDuration } from '../../../src/media/opus/toc.ts'
import { fixture, opusFrames } from '../../helpers/media-fixtures.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const errorOf = (code: string): unknown => expect.objectContaining({ name: 'GatewayError', code })

const plain = { objectType: 2, sbr: false, ps: false, frameSamples: 1024 }
const configs = [
  ['LC 44100 stereo', '1210', { ...plain, sampleRate: 44_100, coreSampleRate: 44_100, channels: 2 }],
  ['LC 44100 mono, extension that says no SBR', '120856e500', { ...plain, sampleRate: 44_100, channels: 1 }],
  ['LC 48000 7.1', '11b856e500', { ...plain, sampleRate: 48_000, channels: 8 }],
  ['LC 48000 5.1', '11b056e500', { ...plain, sampleRate: 48_000, channels: 6 }],
  [
    'LC 48000 6.1 by program config element',
    '118004c848002000c4400d4c61766335392e33372e31303056e500',
    { ...plain, sampleRate: 48_000, channels: 7 },
  ],
  ['LC 8000 mono', '1588', { ...plain, sampleRate: 8_000, channels: 1 }],
  ['LC 960 samples', '1194', { ...plain, sampleRate: 48_000, channels: 2, frameSamples: 960 }],
  ['LC with an escaped rate', '1780564410', { ...plain, sampleRate: 44_168, channels: 2 }],
  [
    'HE-AAC, hierarchical',
    '2b920800',
    {
      objectType: 2,
      sampleRate: 44_100,
      coreSampleRate: 22_050,
      channels: 2,
      sbr: true,
      ps: false,
      frameSamples: 2048,
    },
  ],
  [
    'HE-AAC, backward compatible',
    '139056e5a0',
    {
      objectType: 2,
      sampleRate: 44_100,
      coreSampleRate: 22_050,
      channels: 2,
      sbr: true,
      ps: false,
      frameSamples: 2048,
    },
  ],
  [
    'HE-AAC v2, hierarchical',
    'eb8a0800',
    {
      objectType: 2,
      sampleRate: 44_100,
      coreSampleRate: 22_050,
      channels: 2,
      sbr: true,
      ps: true,
      frameSamples: 2048,
    },
  ],
  [
    'HE-AAC v2, backward compatible',
    '138856e5a54880',
    {
      objectType: 2,
      sampleRate: 44_100,
      coreSampleRate: 22_050,
      channels: 2,
      sbr: true,
      ps: true,
      frameSamples: 2048,
    },
  ],
] as const

describe('AudioSpecificConfig', () => {
  test.each(configs)('%s', (_, config, expected) => {
    const parsed = parseAudioSpecificConfig(hex(config))
    expect(parsed).toMatchObject(expected)
    expect(createAacParams(hex(config))).toMatchObject({
      clockRate: parsed.sampleRate,
      channels: parsed.channels,
    })
  })

  test.each([
    ['nothing', '', 'malformed'],
    ['one byte', '12', 'malformed'],
    ['a reserved rate', '1690', 'malformed'],
    ['channel configuration 8', '11c0', 'malformed'],
    ['AAC-ELD', 'f8e85000', 'unsupported-codec'],
    ['MP3 on MPEG-4', 'f9490000', 'unsupported-codec'],
  ])('%s is refused', (_, config, code) => {
    expect(() => parseAudioSpecificConfig(hex(config))).toThrow(errorOf(code))
  })

  test('is built', () => {
    expect(Buffer.from(buildAudioSpecificConfig(44_100, 2)).toString('hex')).toBe('1210')
    expect(parseAudioSpecificConfig(buildAudioSpecificConfig(48_000, 8))).toMatchObject({ channels: 8 })
    expect(() => buildAudioSpecificConfig(44_000, 2)).toThrow(errorOf('unsupported-codec'))
    expect(() => buildAudioSpecificConfig(48_000, 7)).toThrow(errorOf('unsupported-codec'))
  })
})

describe('ADTS', () => {
  test.each([
    ['aac-44100-stereo', 44_100, 2],
    ['aac-48000-mono', 48_000, 1],
  ] as const)(
    "%s: ffmpeg's headers lead from one to the next, up to the end",
    (name, sampleRate, channels) => {
      const bytes = fixture(`${name}.aac`)
      let count = 0
      let at = 0
      for (; at < bytes.length; count++) {
        const header = readAdtsHeader(bytes, at)!
        expect(header).toMatchObject({ objectType: 2, sampleRate, channels, headerBytes: 7 })
        at += header.frameBytes
      }
      expect(at).toBe(bytes.length)
      expect(count).toBeGreaterThan(20)
    },
  )

  test.each([
    ['no sync word', 'ffe15080 02bffc'],
    ['cut short', 'fff15080 02bf'],
    ['two raw data blocks', 'fff15080 02bffd'],
    ['a rate that is reserved', 'fff17480 02bffc'],
    ['shorter than its header', 'fff15080 00bffc'],
  ])('%s is none', (_, text) => {
    expect(readAdtsHeader(hex('fff1508002bffc'))).toBeDefined()
    expect(readAdtsHeader(hex(text.replace(' ', '')))).toBeUndefined()
  })
})

describe('Opus', () => {
  test('the fixture is 20 ms per packet', () => {
    expect(opusFrames().map(frame => frame.duration)).toEqual(opusFrames().map(() => 960))
  })

  test.each([
    ['SILK 10 ms', [0x00], 480],
    ['SILK 60 ms', [0x18], 2880],
    ['hybrid 20 ms', [0x68], 960],
    ['CELT 2.5 ms', [0xe0], 120],
    ['two frames of 20 ms', [0xf9], 1920],
    ['code 3, three frames', [0xfb, 3], 2880],
    ['120 ms', [0xfb, 6], 5760],
    ['more than 120 ms', [0xfb, 7], undefined],
    ['code 3 without count', [0xfb], undefined],
    ['no frames', [0xfb, 0], undefined],
    ['nothing', [], undefined],
  ] as const)('duration: %s', (_, bytes, expected) => {
    expect(readOpusDuration(Uint8Array.from(bytes))).toBe(expected)
  })

  test('identification header', () => {
    expect(parseOpusHead(buildOpusHead(createOpusParams(1)))).toEqual(createOpusParams(1))
    expect(parseOpusHead(buildOpusHead(createOpusParams(2)))).toEqual(createOpusParams(2))
    expect(() => parseOpusHead(hex('4f707573'))).toThrow(errorOf('malformed'))
    const six = buildOpusHead(createOpusParams(2))
    six[9] = 6
    expect(() => parseOpusHead(six)).toThrow(errorOf('unsupported-codec'))
  })
})

describe('MP3', () => {
  test('every frame of the fixture', () => {
    const bytes = fixture('mp3-44100-stereo.mp3')
    let frames = 0
    for (let at = 0; at < bytes.length; frames += 1) {
      const header = readMp3Header(bytes, at)!
      expect(header).toMatchObject({ sampleRate: 44_100, channels: 2, samples: 1152, bitrateKbps: 48 })
      at += header.frameBytes
    }
    expect(frames).toBeGreaterThanOrEqual(20)
    expect(createMp3Params(44_100, 2)).toMatchObject({ codec: 'mp3', clockRate: 44_100, channels: 2 })
  })

  test.each([
    [
      'MPEG-2 22050 mono 64',
      'fff380c4',
      { sampleRate: 22_050, channels: 1, samples: 576, bitrateKbps: 64, frameBytes: 208 },
    ],
    [
      'MPEG-2.5 8000 mono 8',
      'ffe318c4',
      { sampleRate: 8_000, channels: 1, samples: 576, bitrateKbps: 8, frameBytes: 72 },
    ],
    ['layer II', 'fffd9004', undefined],
    ['reserved rate', 'fffb9c04', undefined],
    ['cut short', 'fffb90', undefined],
  ] as const)('%s', (_, bytes, expected) => {
    const header = readMp3Header(hex(bytes))
    if (expected === undefined) expect(header).toBeUndefined()
    else expect(header).toEqual(expected)
  })
})
