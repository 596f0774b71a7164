/** Parameter sets and configuration records, as ffmpeg 5.1 writes them. */
import { describe, expect, test } from 'vitest'
import { buildAv1C, createAv1Params, parseAv1C } from '../../../src/media/av1/parameters.ts'
import { readAv1SequenceHeader } from '../../../src/media/av1/sequence-header.ts'
import { kindOf } from '../../../src/media/codecs.ts'
import { buildAvcC, parseAvcC } from '../../../src/media/h264/avcc.ts'
import { createH264Params, H264ParameterSets } from '../../../src/media/h264/parameters.ts'
import { readH264Sps } from '../../../src/media/h264/sps.ts'
import { buildHvcC, parseHvcC } from '../../../src/media/h265/hvcc.ts'
import { createH265Params, H265ParameterSets } from '../../../src/media/h265/parameters.ts'
import { readH265Sps } from '../../../src/media/h265/sps.ts'
import { createVp9Params } from '../../../src/media/vp9/header.ts'
import { buildVpcC } from '../../../src/media/vp9/vpcc.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const h264Of = (record: string) => {
  const { sps, pps } = parseAvcC(hex(record))
  return createH264Params(sps, pps)
}
const h265Of = (record: string) => {
  const { vps, sps, pps } = parseHvcC(hex(record))
  return createH265Params(vps, sps, pps)
}
const malformed = expect.objectContaining({ name: 'GatewayError', code: 'malformed' })

const avcCs = [
  [
    'constrained baseline, 1088 cropped to 1080',
    '0142c028ffe100196742c028da01e0089f97011000000300100000030320f1832a01000468ce0fc8',
    { size: '1920x1080', profileLevelId: '42c028', reordered: false, maxReorder: 0 },
  ],
  [
    'high with B-pyramid',
    '01640028ffe1001b67640028acd940780227e5c044000003000400000300c83c60c65801000668ebe3cb22c0fdf8f800',
    { size: '1920x1080', profileLevelId: '640028', reordered: true, maxReorder: 2 },
  ],
  [
    'interlaced',
    '01640028ffe1001a67640028acd94078044fde0220000003002000000643e2c5b2c001000668fba3cb22c0fdf8f800',
    { size: '1920x1080', profileLevelId: '640028', reordered: true, maxReorder: 2 },
  ],
  [
    'main without B-frames, odd width',
    '014d401effe10019674d401ed900d83de6f011000003000100000300320f162e4801000568ebc3cb20',
    { size: '854x480', profileLevelId: '4d401e', reordered: false, maxReorder: 0 },
  ],
  [
    '4:4:4',
    '01f4001effe1001b67f4001e919b281405ff1780880000030008000003019078b16cb001000668ebe3c44844fff8f800',
    { size: '640x358', profileLevelId: 'f4001e', reordered: true, maxReorder: 2 },
  ],
  [
    '4:2:2, 10 bit',
    '017a001effe1001b677a001eb6cd940a42fe227c0440000003004000000c83c58b658001000668ebe3cb22c0fefafa00',
    { size: '642x362', profileLevelId: '7a001e', reordered: true, maxReorder: 2 },
  ],
] as const

describe('h264', () => {
  test.each(avcCs)('avcC of %s is read and built the same', (_, record, expected) => {
    const params = h264Of(record)
    const { size, profileLevelId, reordered, maxReorder } = params
    expect({ size: `${size?.width}x${size?.height}`, profileLevelId, reordered, maxReorder }).toEqual(
      expected,
    )
    expect(Buffer.from(buildAvcC(params)!).toString('hex')).toBe(record)
    expect(parseAvcC(hex(record)).lengthSize).toBe(4)
  })

  test('every cut of an avcC is refused', () => {
    const record = hex(avcCs[0][1])
    for (let length = 0; length < record.length; length += 1)
      expect(() => parseAvcC(record.subarray(0, length)), `${length} bytes`).toThrow(malformed)
  })

  test('without parameter sets what SDP says counts', () => {
    expect(createH264Params([], [], '42e01f')).toMatchObject({
      sps: undefined,
      profileLevelId: '42e01f',
      reordered: false,
    })
    expect(createH264Params([], [], '640028')).toMatchObject({ reordered: undefined, size: undefined })
    expect(buildAvcC(createH264Params([], []))).toBeUndefined()
  })

  test('an SPS cut before its size is not read; cut in the VUI it does not say whether pictures are reordered', () => {
    const sps = parseAvcC(hex(avcCs[1][1])).sps[0]!
    expect(readH264Sps(sps)).toBeDefined()
    for (let length = 0; length <= 10; length += 1)
      expect(readH264Sps(sps.subarray(0, length))).toBeUndefined()
    expect(readH264Sps(sps.subarray(0, 14))).toMatchObject({ size: { width: 1920 }, reordered: undefined })
  })
})

describe('h264 parameter sets across packets', () => {
  const a = parseAvcC(hex(avcCs[1][1]))
  const b = parseAvcC(hex(avcCs[0][1]))

  test('SPS alone, then PPS: one change each, repeats are none', () => {
    const sets = new H264ParameterSets(createH264Params([], []))
    sets.add(a.sps[0]!)
    expect(sets.update()).toBe(true)
    sets.add(a.pps[0]!)
    expect(sets.update()).toBe(true)
    const { params } = sets
    for (let i = 0; i < 3; i += 1) {
      sets.add(a.sps[0]!.slice())
      expect(sets.update()).toBe(false)
      sets.add(a.pps[0]!.slice())
      expect(sets.update()).toBe(false)
    }
    expect(sets.params).toBe(params)
    expect(params).toMatchObject({ sps: a.sps[0], pps: a.pps, reordered: true })
  })

  test('another content under the same id is a new object', () => {
    const sets = new H264ParameterSets(createH264Params(a.sps, a.pps))
    sets.add(b.sps[0]!)
    sets.add(b.pps[0]!)
    expect(sets.update()).toBe(true)
    expect(sets.params).toEqual(createH264Params(b.sps, b.pps))
  })

  test('a second PPS id is kept beside the first', () => {
    const second = Uint8Array.from([0x68, 0x5b, 0xc0, 0x80])
    const sets = new H264ParameterSets(createH264Params(a.sps, a.pps))
    sets.add(second)
    expect(sets.update()).toBe(true)
    expect(sets.params.pps).toEqual([...a.pps, second])
  })

  test('what is kept is a copy', () => {
    const sps = a.sps[0]!.slice()
    const sets = new H264ParameterSets(createH264Params([], []))
    sets.add(sps)
    sets.update()
    sps.fill(0)
    expect(sets.params.sps).toEqual(a.sps[0])
  })
})

const hvcCs = [
  [
    'main, cropped',
    '01016000000090000000000078f000fcfdf8f800000f03200001001840010c01ffff016000000300900000030000030078959809210001002b420101016000000300900000030000030078a003c08010e75596566924caf0168080000003008000000c8422000100074401c172b46240',
    { size: { width: 1918, height: 1078 }, reordered: true },
  ],
  [
    'main 10 without B-frames',
    '0102200000009000000000003ff000fcfdfafa00000f03200001001840010c01ffff02200000030090000003000003003f928090210001002a42010102200000030090000003000003003fa00502016936592a4932bc05a0200000030020000003032122000100074401c172b46240',
    { size: { width: 640, height: 360 }, reordered: false },
  ],
] as const

describe('h265', () => {
  test.each(hvcCs)('hvcC of %s is read and built the same', (_, record, expected) => {
    const params = h265Of(record)
    expect(params).toMatchObject(expected)
    // ffmpeg leaves array_completeness 0; with the sets only in the record it is 1.
    const complete = record
      .replace('03200001', '03a00001')
      .replace('09210001', '09a10001')
      .replace('90210001', '90a10001')
      .replace(/22000100074401/, 'a2000100074401')
    expect(Buffer.from(buildHvcC(params)!).toString('hex')).toBe(complete)
    expect(parseHvcC(hex(record)).lengthSize).toBe(4)
  })

  test('every cut of an hvcC is refused', () => {
    const record = hex(hvcCs[0][1])
    for (let length = 0; length < record.length; length += 1)
      expect(() => parseHvcC(record.subarray(0, length)), `${length} bytes`).toThrow(malformed)
  })

  test('parameter sets: repeats are no change, another SPS is', () => {
    const first = h265Of(hvcCs[0][1])
    const second = h265Of(hvcCs[1][1])
    const sets = new H265ParameterSets(first)
    for (const nal of [first.vps!, first.sps!, ...first.pps]) sets.add(nal.slice())
    expect(sets.update()).toBe(false)
    expect(sets.params).toBe(first)
    for (const nal of [second.vps!, second.sps!, ...second.pps]) sets.add(nal)
    expect(sets.update()).toBe(true)
    expect(sets.params).toEqual(second)
    expect(readH265Sps(second.sps!)).toMatchObject({ bitDepthLuma: 10, maxReorder: 0 })
  })
})

describe('av1', () => {
  test.each([
    ['libaom', '81050c000a0b0000002d4cffb3ccaf9004'],
    ['SVT-AV1', '81050c000a0b0000002d4cffb3c02f8004'],
  ])('av1C of %s is read and built the same', (_, record) => {
    const params = parseAv1C(hex(record))
    expect(params.size).toEqual({ width: 1280, height: 720 })
    expect(Buffer.from(buildAv1C(params)!).toString('hex')).toBe(record)
    expect(readAv1SequenceHeader(params.sequenceHeader!)).toMatchObject({
      profile: 0,
      level: 5,
      monochrome: false,
    })
  })

  test('a record without a sequence header has no size, a cut one is refused', () => {
    expect(parseAv1C(hex('81050c00'))).toEqual(createAv1Params())
    expect(() => parseAv1C(hex('81050c000a0b0000'))).toThrow(malformed)
    expect(() => parseAv1C(hex('8105'))).toThrow(malformed)
    expect(buildAv1C(createAv1Params())).toBeUndefined()
  })
})

test('vpcC as ffmpeg writes it', () => {
  const record = '01000000001f820202020000'
  expect(Buffer.from(buildVpcC(createVp9Params({ width: 1280, height: 720 }))).toString('hex')).toBe(record)
})

test('each codec has its kind', () => {
  expect([kindOf('vp8'), kindOf('g722'), kindOf('amf-data')]).toEqual(['video', 'audio', 'data'])
})
