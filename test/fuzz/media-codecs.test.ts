/**
 * Damaged bitstreams, records and packets: `parse*` throws nothing but a GatewayError, `read*` and `split*`
 * nothing.
 */
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { readAdtsHeader } from '../../src/media/aac/adts.ts'
import { createAacParams, parseAudioSpecificConfig } from '../../src/media/aac/config.ts'
import { isAv1Key, sizedObusBytes, splitObus, withoutObuSize, writeObus } from '../../src/media/av1/obu.ts'
import { parseAv1C } from '../../src/media/av1/parameters.ts'
import { readAv1SequenceHeader } from '../../src/media/av1/sequence-header.ts'
import { buildAvcC, parseAvcC } from '../../src/media/h264/avcc.ts'
import { createH264Params, H264ParameterSets } from '../../src/media/h264/parameters.ts'
import { readH264Sps } from '../../src/media/h264/sps.ts'
import { buildHvcC, parseHvcC } from '../../src/media/h265/hvcc.ts'
import { createH265Params, H265ParameterSets } from '../../src/media/h265/parameters.ts'
import { readH265Sps } from '../../src/media/h265/sps.ts'
import { readMp3Header } from '../../src/media/mp3/header.ts'
import { joinAnnexB, splitAnnexB, splitLengthPrefixed } from '../../src/media/nal.ts'
import { parseOpusHead } from '../../src/media/opus/parameters.ts'
import { readOpusDuration } from '../../src/media/opus/toc.ts'
import { createDepacketiser } from '../../src/media/rtp/depacketise.ts'
import { isHeadPayload, isKeyPayload } from '../../src/media/rtp/key.ts'
import { createRtpStreamState, readRtpHeader, readRtpPacket } from '../../src/media/rtp/packet.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type {
  CodecId,
  CodecParameters,
  Frame,
  H264Parameters,
  H265Parameters,
} from '../../src/media/types.ts'
import { readVp8Header } from '../../src/media/vp8/header.ts'
import { readVp9Header } from '../../src/media/vp9/header.ts'
import { readVp9Descriptor } from '../../src/media/vp9/payload.ts'
import { fixture, h264Frames, h265Frames, rtpFixtures } from '../helpers/media-fixtures.ts'
import { createRandom, mutate } from '../helpers/random.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const RUNS = 2_000

const records: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  [
    'avcC',
    buildAvcC(h264Frames('h264-bframes')[0]!.params as H264Parameters)!,
    bytes => {
      const { sps, pps } = parseAvcC(bytes)
      buildAvcC(createH264Params(sps, pps))
    },
  ],
  [
    'hvcC',
    buildHvcC(h265Frames()[0]!.params as H265Parameters)!,
    bytes => {
      const { vps, sps, pps } = parseHvcC(bytes)
      buildHvcC(createH265Params(vps, sps, pps))
    },
  ],
  ['av1C', hex('81050c000a0b0000002d4cffb3ccaf9004'), parseAv1C],
  ['OpusHead', hex('4f707573486561640102380180bb0000000000'), parseOpusHead],
  ['AudioSpecificConfig', hex('138856e5a54880'), parseAudioSpecificConfig],
  [
    'AudioSpecificConfig with a program config',
    hex('118004c848002000c4400d4c61766335392e33372e31303056e500'),
    createAacParams,
  ],
]

describe('parse', () => {
  test.each(records)('%s', (_, seed, parse) => {
    const random = createRandom(1)
    const outcomes = { read: 0, refused: 0 }
    for (let i = 0; i < RUNS; i += 1) {
      try {
        parse(mutate(seed, random))
        outcomes.read += 1
      } catch (error) {
        expect(error).toBeInstanceOf(GatewayError)
        outcomes.refused += 1
      }
    }
    expect(outcomes.read).toBeGreaterThan(0)
    expect(outcomes.refused).toBeGreaterThan(0)
  })
})

const sps = (h264Frames('h264-bframes')[0]!.params as { sps: Uint8Array }).sps
const hevcSps = (h265Frames()[0]!.params as { sps: Uint8Array }).sps
const av1 = splitObus(fixture('av1.obu'))!
const codecs: readonly CodecId[] = ['h264', 'h265', 'av1', 'vp8', 'vp9', 'opus']

const rewriteObus = (bytes: Uint8Array): void => {
  const units = splitObus(bytes)
  if (units === undefined) return
  isAv1Key(units)
  const out = new Uint8Array(sizedObusBytes(units))
  expect(writeObus(units, out, 0)).toBe(out.length)
}
const baseline = h264Frames('h264-baseline')[0]!.params as H264Parameters
const main = h265Frames()[0]!.params as H265Parameters
const learn = (bytes: Uint8Array): void => {
  const h264 = new H264ParameterSets(baseline)
  const h265 = new H265ParameterSets(main)
  h264.add(bytes)
  h265.add(bytes)
  h264.update()
  h265.update()
}
const readers: readonly (readonly [string, Uint8Array, (bytes: Uint8Array) => unknown])[] = [
  ['H.264 SPS', sps, readH264Sps],
  ['H.265 SPS', hevcSps, readH265Sps],
  ['H.264 parameter sets', sps, learn],
  ['H.265 parameter sets', hevcSps, learn],
  ['Annex B', fixture('h264-bframes.h264').subarray(0, 3000), bytes => joinAnnexB(splitAnnexB(bytes))],
  [
    'length prefixes',
    hex('00000002670000000002680000000003658800'),
    bytes => [1, 2, 4].map(size => splitLengthPrefixed(bytes, size)),
  ],
  ['AV1 sequence header', hex('0a0b0000002d4cffb3ccaf9004'), readAv1SequenceHeader],
  ['OBUs', av1[2]!.subarray(0, 300), rewriteObus],
  ['OBU size', av1[1]!, withoutObuSize],
  ['VP8 header', fixture('vp8.ivf').subarray(44, 64), readVp8Header],
  ['VP9 header', fixture('vp9.ivf').subarray(44, 74), readVp9Header],
  [
    'VP9 descriptor',
    hex('ba8001020301850004000300021a0b04'),
    bytes => readVp9Descriptor(bytes, 0, bytes.length),
  ],
  ['ADTS', fixture('aac-48000-mono.aac').subarray(0, 600), bytes => readAdtsHeader(bytes)],
  ['MP3 header', hex('fffb9064'), readMp3Header],
  ['Opus TOC', hex('fb03'), readOpusDuration],
  ['RTP header', hex('b26000010000000200000003000000040000000500bede000110aa0000ccdd02'), readRtpHeader],
]

describe('read', () => {
  test.each(readers)('%s', (_, seed, read) => {
    const random = createRandom(2)
    for (let i = 0; i < RUNS; i += 1) read(mutate(seed, random))
  })

  test('one look at payloads of every codec', () => {
    const random = createRandom(3)
    const seeds = [
      '780002674200026588',
      '7c8588aa',
      '60010003400 10c0003420101'.replace(' ', ''),
      '90f0800105011000',
      'ba80010203018500',
      '1802abcd',
    ]
    for (let i = 0; i < RUNS; i += 1) {
      const bytes = mutate(hex(seeds[i % seeds.length]!), random)
      for (const codec of codecs) {
        isKeyPayload(codec, bytes, 0, bytes.length)
        isHeadPayload(codec, bytes, 0, bytes.length)
      }
    }
  })
})

/** Packets of the fixture, as from the wire, each damaged now and then. */
const damagedStream = (frames: readonly Frame[], random: (below: number) => number): Uint8Array[] => {
  const packets: Uint8Array[] = []
  const packetiser = createPacketiser(frames[0]!.params, { maxPayload: 200 }, packet =>
    packets.push(packet.bytes),
  )
  for (const frame of frames) packetiser.push(frame)
  return packets.map(bytes => (random(4) === 0 ? mutate(bytes, random) : bytes))
}

describe('depacketise', () => {
  test.each(Object.entries(rtpFixtures))(
    '%s: what comes out of damage can be packetised again',
    (_, load) => {
      const frames = load()
      const random = createRandom(4)
      let total = 0
      while (total < 3_000) {
        const params: CodecParameters = frames[0]!.params
        const again = createPacketiser(params, { maxPayload: 1188 }, packet =>
          expect(packet.payloadEnd).toBeGreaterThan(12),
        )
        const depacketiser = createDepacketiser(params, {
          onFrame: frame => {
            expect(frame.units.every(unit => unit.length > 0)).toBe(true)
            again.push(frame)
          },
          onParams: () => {},
          onLoss: () => {},
        })
        const state = createRtpStreamState(params.codec)
        let now = 0
        for (const bytes of damagedStream(frames, random)) {
          const packet = readRtpPacket(bytes, now, state)
          if (packet !== undefined) depacketiser.push(packet, now)
          now += 5_000
          total += 1
        }
      }
    },
  )
})
