import { describe, expect, test } from 'vitest'
import { type PushTarget, parsePushUrl } from '../../../src/adapters/rtp/push-url.ts'

const random = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(7)
const parse = (text: string): PushTarget => parsePushUrl(new URL(text), random)
const linesOf = (text: string) =>
  parse(text).lines.map(({ kind, codecs, port, rtcpPort, payloadType }) => [
    kind,
    codecs.join(),
    port,
    rtcpPort,
    payloadType,
  ])

const VIDEO = 'h264,h265,vp8,vp9,av1'
const AUDIO = 'opus,aac,pcmu,pcma,g722,l16'

describe('lines', () => {
  test.each([
    [
      'rtp://10.0.0.1:5004',
      [
        ['video', VIDEO, 5004, 5005, undefined],
        ['audio', AUDIO, 5006, 5007, undefined],
      ],
    ],
    ['rtp://10.0.0.1:5004?video=h264', [['video', 'h264', 5004, 5005, undefined]]],
    ['rtp://10.0.0.1:5004?audio=pcmu', [['audio', 'pcmu', 5004, 5005, undefined]]],
    ['rtp://10.0.0.1:5004?codec=opus&pt=111', [['audio', 'opus', 5004, 5005, 111]]],
    [
      'rtp://10.0.0.1:5004?video=vp8,h264&audio=aac&audio-port=6000&audio-pt=100&video-pt=101',
      [
        ['video', 'vp8,h264', 5004, 5005, 101],
        ['audio', 'aac', 6000, 6001, 100],
      ],
    ],
    [
      'rtp://[::1]:5004?mux',
      [
        ['video', VIDEO, 5004, 5004, undefined],
        ['audio', AUDIO, 5006, 5006, undefined],
      ],
    ],
    ['rtp://h:5004?codec=h265&rtcp-port=7000', [['video', 'h265', 5004, 7000, undefined]]],
  ])('%s', (url, lines) => {
    expect(linesOf(url)).toEqual(lines)
  })
})

describe('options', () => {
  test('have sensible defaults', () => {
    expect(parse('rtp://receiver.example:5004')).toMatchObject({
      label: 'rtp receiver.example:5004',
      host: 'receiver.example',
      rtcpMux: false,
      feedback: [],
      packetBytes: 1200,
      ttl: 16,
      via: undefined,
      crypto: undefined,
      sdpFile: undefined,
    })
  })

  test('are read', () => {
    const url =
      'rtp://[ff02::1]:5004?pkt_size=1400&ttl=3&interface=eth0&sdp=/x/a.sdp&feedback=pli,nack&mux=true'
    expect(parse(url)).toMatchObject({
      host: 'ff02::1',
      packetBytes: 1400,
      ttl: 3,
      via: 'eth0',
      sdpFile: '/x/a.sdp',
      feedback: ['nack pli', 'nack'],
      rtcpMux: true,
    })
  })

  test('a key is given, or made for a suite', () => {
    const key = Buffer.alloc(30, 0xfb).toString('base64')
    const given = parse(`rtp://h:5004?srtp=AES_CM_128_HMAC_SHA1_32:${key}`).crypto!
    expect(given.suite).toBe('AES_CM_128_HMAC_SHA1_32')
    expect(Buffer.from(given.keySalt).toString('base64')).toBe(key)
    const made = parse('rtp://h:5004?srtp=AES_CM_128_HMAC_SHA1_80').crypto!
    expect(made).toMatchObject({ tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', keySalt: random(30) })
  })
})

describe('refused by name', () => {
  test.each([
    ['rtp://h', 'needs a port'],
    ['rtp://h:5004/x', 'no path /x'],
    ['rtp://h:5004?colour=red', 'no option colour'],
    ['rtp://h:5004?video=opus', 'opus is not sent as video'],
    ['rtp://h:5004?video=h264&codec=opus', 'codec is for one stream alone'],
    ['rtp://h:5004?video-pt=200', 'video-pt is a number from 0 to 127'],
    ['rtp://h:5004?audio-port=5005', 'port 5005 is taken twice'],
    ['rtp://h:65535', 'there is no port'],
    ['rtp://h:5004?pkt_size=10', 'pkt_size is a number from 200'],
    ['rtp://h:5004?srtp=ROT13', 'srtp is'],
    ['rtp://h:5004?feedback=shout', 'feedback is any of'],
    ['rtp://h:5004?sdp=/var/recordings/cam.flv', 'ends in .sdp'],
  ])('%s: %s', (url, message) => {
    expect(() => parse(url)).toThrow(message)
  })
})
