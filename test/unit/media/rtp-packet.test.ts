/** RTP headers, wraps, and the one-byte looks. */
import { describe, expect, test } from 'vitest'
import { isHeadPayload, isKeyPayload } from '../../../src/media/rtp/key.ts'
import { createRtpStreamState, readRtpHeader, readRtpPacket } from '../../../src/media/rtp/packet.ts'
import { unwrap16, unwrap32 } from '../../../src/media/time.ts'
import type { CodecId } from '../../../src/media/types.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'))
const fixed = '0001 00000002 00000003'

describe('header', () => {
  test.each([
    [
      'plain',
      `80 e0 ${fixed} aabb`,
      { payloadType: 96, marker: true, seq: 1, ts: 2, ssrc: 3, payloadStart: 12, payloadEnd: 14 },
    ],
    ['no payload', `80 60 ${fixed}`, { payloadStart: 12, payloadEnd: 12, marker: false }],
    ['two CSRC', `82 60 ${fixed} 00000004 00000005 aa`, { payloadStart: 20, payloadEnd: 21 }],
    ['extension', `90 60 ${fixed} bede0001 10aa0000 cc`, { payloadStart: 20, payloadEnd: 21 }],
    ['padding', `a0 60 ${fixed} aa 000003`, { payloadStart: 12, payloadEnd: 13 }],
    ['padding only', `a0 60 ${fixed} 00000004`, { payloadStart: 12, payloadEnd: 12 }],
    ['CSRC past the end', `82 60 ${fixed} 00000004`, undefined],
    ['extension header past the end', `90 60 ${fixed} bede`, undefined],
    ['extension longer than the packet', `90 60 ${fixed} bedeffff 00000000`, undefined],
    ['padding longer than the payload', `a0 60 ${fixed} aa000005`, undefined],
    ['padding reaching into the extension', `b0 60 ${fixed} bede0001 0000000c`, undefined],
    ['padding of zero', `a0 60 ${fixed} aa000000`, undefined],
    ['version 1', `40 60 ${fixed} aa`, undefined],
    ['eleven bytes', '80 60 0001 00000002 000000', undefined],
    ['nothing', '', undefined],
  ] as const)('%s', (_, bytes, expected) => {
    const header = readRtpHeader(hex(bytes))
    if (expected === undefined) expect(header).toBeUndefined()
    else expect(header).toMatchObject(expected)
  })
})

describe('unwrapping', () => {
  test.each([
    [0, 0, 0],
    [65_535, 0, 65_536],
    [65_536, 65_535, 65_535],
    [10, 65_530, -6],
    [100_000, 34_464 + 200, 100_200],
    [2 ** 40, 7, 2 ** 40 + 7],
  ])('16 bit: after %i comes %i → %i', (reference, value, expected) => {
    expect(unwrap16(reference, value)).toBe(expected)
  })

  test.each([
    [2 ** 32 - 1, 0, 2 ** 32],
    [2 ** 32, 2 ** 32 - 1, 2 ** 32 - 1],
    [2 ** 31, 2 ** 31 - 3000, 2 ** 31 - 3000],
    [2 ** 45 + 5, 3005, 2 ** 45 + 3005],
  ])('32 bit: after %i comes %i → %i', (reference, value, expected) => {
    expect(unwrap32(reference, value)).toBe(expected)
  })

  test('two hours of 20 ms packets stay in step over the wraps', () => {
    let seq = 65_000
    let ts = 2 ** 32 - 96_000
    for (let i = 1; i <= 360_000; i += 1) {
      seq = unwrap16(seq, (65_000 + i) & 0xffff)
      ts = unwrap32(ts, (2 ** 32 - 96_000 + i * 960) >>> 0)
    }
    expect([seq, ts]).toEqual([65_000 + 360_000, 2 ** 32 - 96_000 + 360_000 * 960])
  })
})

const looks: readonly (readonly [CodecId, string, string, boolean, boolean])[] = [
  ['h264', 'IDR slice', '6588', true, true],
  ['h264', 'second slice of an IDR', '6508', true, false],
  ['h264', 'P slice', '419a', false, true],
  ['h264', 'SPS', '6742', true, true],
  ['h264', 'PPS', '68ce', true, false],
  ['h264', 'SEI', '0605', false, true],
  ['h264', 'delimiter', '0910', false, true],
  ['h264', 'STAP-A of SPS, PPS', '78 0002 6742 0002 68ce', true, true],
  ['h264', 'STAP-A of PPS, IDR', '78 0002 68ce 0002 6588', true, false],
  ['h264', 'STAP-A of SEI, IDR', '78 0002 0605 0002 6588', true, true],
  ['h264', 'STAP-A of SEI, P', '78 0002 0605 0002 419a', false, true],
  ['h264', 'STAP-A cut short', '78 00', false, false],
  ['h264', 'FU-A start of IDR', '7c85 88', true, true],
  ['h264', 'FU-A middle of IDR', '7c05 88', true, false],
  ['h264', 'FU-A start of P', '5c81 9a', false, true],
  ['h264', 'FU-A end of P', '5c41 9a', false, false],
  ['h264', 'nothing', '', false, false],
  ['h265', 'IDR_W_RADL', '2601 af', true, true],
  ['h265', 'CRA, not the first segment', '2a01 2f', true, false],
  ['h265', 'TRAIL_R', '0201 d0', false, true],
  ['h265', 'VPS', '4001 0c', true, true],
  ['h265', 'AP of VPS, SPS', '6001 0003 40010c 0003 420101', true, true],
  ['h265', 'FU start of IDR', '6201 93 af', true, true],
  ['h265', 'FU middle of IDR', '6201 13 af', true, false],
  ['h265', 'cut short', '26', false, false],
  ['vp8', 'key frame', '10 10 02 00 9d012a', true, true],
  ['vp8', 'key frame, picture id of 15 bits', '90 80 8001 10', true, true],
  ['vp8', 'delta frame', '90 80 8001 11', false, true],
  ['vp8', 'continuation', '80 80 8001 10', false, false],
  ['vp8', 'second partition', '11 10', false, false],
  ['vp8', 'descriptor cut short', '90 80', false, true],
  ['vp9', 'key picture', '8c 8001 82', true, true],
  ['vp9', 'inter picture', 'cc 8001 86', false, true],
  ['vp9', 'middle of a picture', '80 8001 82', false, false],
  ['vp9', 'key picture of ffmpeg', '08 8249', true, true],
  ['vp9', 'inter picture of ffmpeg, which never says so', '0c 8600', false, true],
  ['vp9', 'upper spatial layer of a key picture', 'a8 8001 0300 82', false, false],
  ['av1', 'new sequence', '18 0a0b', true, true],
  ['av1', 'sequence header without the N bit', '20 020a0b 3210', true, true],
  ['av1', 'sequence header alone', '10 0a0b', true, true],
  ['av1', 'length cut short', '00 ff', false, false],
  ['av1', 'inter', '10 3210', false, false],
  ['av1', 'continuation', '98 00', false, false],
  ['opus', 'any', 'fc00', true, true],
]

describe('one look at a payload', () => {
  test.each(looks)('%s: %s', (codec, _, payload, key, head) => {
    const bytes = hex(`ffff ${payload} ffff`)
    expect(isKeyPayload(codec, bytes, 2, bytes.length - 2)).toBe(key)
    expect(isHeadPayload(codec, bytes, 2, bytes.length - 2)).toBe(head)
  })
})

describe('a received stream', () => {
  const packet = (seq: number, ts: number, marker: boolean, payload: string): Uint8Array => {
    const bytes = new Uint8Array([
      0x80,
      marker ? 0xe0 : 0x60,
      seq >> 8,
      seq,
      0,
      0,
      ts >> 8,
      ts,
      0,
      0,
      0,
      1,
      ...hex(payload),
    ])
    return bytes
  }

  test('SPS behind a delimiter and SEI is where decoding starts: it counts as head', () => {
    const state = createRtpStreamState('h264')
    const flags = [
      packet(1, 100, true, '419a'),
      packet(2, 200, false, '0910'),
      packet(3, 200, false, '0605'),
      packet(4, 200, false, '6742'),
      packet(5, 200, false, '68ce'),
      packet(6, 200, true, '6588'),
      packet(7, 300, true, '419a'),
    ].map(bytes => readRtpPacket(bytes, 0, state)!)
    expect(flags.map(({ key, head }) => `${key ? 'K' : '-'}${head ? 'H' : '-'}`)).toEqual([
      '-H',
      '-H',
      '--',
      'KH',
      'K-',
      'K-',
      '-H',
    ])
  })

  test('the rest of a VP8 key frame is marked although its payload does not show it', () => {
    const state = createRtpStreamState('vp8')
    const keys = [
      packet(1, 100, false, '10 10 0200'),
      packet(2, 100, false, '00 ffff'),
      packet(3, 100, true, '00 ffff'),
      packet(4, 200, true, '10 11 0200'),
    ].map(bytes => readRtpPacket(bytes, 0, state)!.key)
    expect(keys).toEqual([true, true, true, false])
  })

  test('late packets do not move the reference', () => {
    const state = createRtpStreamState('opus')
    const seqs = [65_534, 0, 65_535, 1].map(seq => readRtpPacket(packet(seq, 0, false, 'fc'), 0, state)!.seq)
    expect(seqs).toEqual([65_534, 65_536, 65_535, 65_537])
  })
})
