/** Sources told by a session description. */
import { describe, expect, test } from 'vitest'
import { rtpConfig } from '../../../src/adapters/rtp/config.ts'
import { parseSdpSource } from '../../../src/adapters/rtp/sdp-source.ts'

const config = rtpConfig.parse({})
const parse = (lines: readonly string[], query = '') =>
  parseSdpSource(
    ['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=-', ...lines, ''].join('\r\n'),
    'camera.sdp',
    new URLSearchParams(query),
    config,
  )
const key = Buffer.alloc(30, 1).toString('base64')

test('as ffmpeg writes it', () => {
  const { label, lines } = parse([
    ...['c=IN IP4 127.0.0.1', 't=0 0', 'a=tool:libavformat LIBAVFORMAT_VERSION'],
    ...['m=video 5004 RTP/AVP 96', 'b=AS:200', 'a=rtpmap:96 H264/90000'],
    'a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtkD,aMuDyyA=; profile-level-id=42C01E',
    ...['m=audio 5006 RTP/AVP 97', 'a=rtpmap:97 MPEG4-GENERIC/44100/2'],
    'a=fmtp:97 profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3; config=121056E500',
  ])
  expect(label).toBe('camera.sdp')
  expect(lines).toMatchObject([
    {
      ...{ name: 'video', host: '127.0.0.1', port: 5004, rtcpPort: undefined, multicast: undefined },
      formats: [{ format: { payloadType: 96, codec: 'h264' }, params: { profileLevelId: '42c01e' } }],
    },
    { name: 'audio', port: 5006, formats: [{ params: { codec: 'aac', clockRate: 44_100, channels: 2 } }] },
  ])
  expect(lines[0]!.formats[0]!.params).toHaveProperty('sps', expect.any(Uint8Array))
})

test('one written by hand needs no line about who made it', () => {
  const text = 'v=0\r\nc=IN IP4 127.0.0.1\r\nm=audio 6104 RTP/AVP 8\r\n'
  const { lines } = parseSdpSource(text, 'by hand', new URLSearchParams(), config)
  expect(lines[0]!.formats[0]!.format).toMatchObject({ codec: 'pcma', payloadType: 8 })
})

test('a static payload type needs no map; of several all that are read may come', () => {
  const [line] = parse(['c=IN IP4 127.0.0.1', 'm=audio 5004 RTP/AVP 0 8 18 9']).lines
  expect(line!.formats.map(({ format }) => format.codec)).toEqual(['pcmu', 'pcma', 'g722'])
})

describe('where it is listened to', () => {
  test.each([
    ['c=IN IP4 127.0.0.1', '127.0.0.1'],
    ['c=IN IP6 ::1', '::1'],
    ['c=IN IP4 203.0.113.9', '0.0.0.0'],
    ['c=IN IP6 2001:db8::9', '::'],
    ['c=IN IP4 camera.example', '0.0.0.0'],
  ])('%s: %s', (connection, host) =>
    expect(parse([connection, 'm=audio 5004 RTP/AVP 0']).lines[0]!.host).toBe(host),
  )

  test('a group is joined, for the sender of a source filter, on the interface that is said', () => {
    const lines = [
      'm=audio 5004 RTP/AVP 0',
      'c=IN IP4 239.1.2.3/127',
      'a=source-filter: incl IN IP4 239.1.2.3 10.0.0.5',
    ]
    expect(parse(lines, 'interface=eth0').lines[0]!.multicast).toEqual({
      group: '239.1.2.3',
      interface: 'eth0',
      source: '10.0.0.5',
    })
  })

  test('RTCP: multiplexed, on a port of its own, or on the next one', () => {
    const rtcpPort = (...attributes: string[]) =>
      parse(['m=audio 5004 RTP/AVP 0', ...attributes]).lines[0]!.rtcpPort
    expect(rtcpPort('a=rtcp-mux')).toBeNull()
    expect(rtcpPort('a=rtcp:5004')).toBeNull()
    expect(rtcpPort('a=rtcp:6000 IN IP4 1.2.3.4')).toBe(6000)
    expect(rtcpPort()).toBeUndefined()
  })
})

test('a key and what may be asked for', () => {
  const [line] = parse([
    'm=video 5004 RTP/SAVPF 96',
    'a=rtpmap:96 VP8/90000',
    'a=rtcp-fb:96 nack pli',
    'a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:no',
    `a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:${key}`,
  ]).lines
  expect(line!.feedback).toEqual(['nack pli'])
  expect(line!.sdes).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_32' })
})

test('what is inactive, refused or no media of ours is left out', () => {
  const { lines } = parse([
    ...['m=application 9 UDP/DTLS/SCTP webrtc-datachannel', 'm=video 0 RTP/AVP 96'],
    ...['m=audio 5008 RTP/AVP 0', 'a=inactive', 'm=audio 5010 RTP/AVP 8'],
  ])
  expect(lines.map(({ port }) => port)).toEqual([5010])
})

test.each([
  [['m=audio 0 RTP/AVP 0'], 'no m=audio or m=video line with a port'],
  [['m=audio 5004 UDP/TLS/RTP/SAVPF 0'], 'RTP/AVP, AVPF, SAVP and SAVPF are read'],
  [['m=audio 5004 RTP/SAVP 0'], 'no a=crypto line is one that is understood'],
  [['m=audio 5004 RTP/AVP 18'], 'm=audio 5004: G729 is not read'],
  [['m=video 5004 RTP/AVP 96'], 'm=video 5004: 96 is not read'],
  [['m=audio 5004 RTP/AVP 0', 'm=audio 5004 RTP/AVP 8'], 'two m-lines on port 5004'],
  [['m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 opus/44100'], 'opus has an RTP clock of 48000, not 44100'],
  [
    ['m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 mpeg4-generic/48000', 'a=fmtp:96 mode=AAC-lbr'],
    'AAC-hbr only, not AAC-lbr',
  ],
  [
    ['m=audio 5004 RTP/AVP 96', 'a=rtpmap:96 mpeg4-generic/48000', 'a=fmtp:96 config=1210'],
    'AAC of 44100 Hz by its config',
  ],
  [
    ['m=video 5004 RTP/AVP 96', 'a=rtpmap:96 H265/90000', 'a=fmtp:96 sprop-max-don-diff=2'],
    'sprop-max-don-diff',
  ],
])('%j is refused: %s', (lines, reason) => expect(() => parse(lines)).toThrow(reason))

test('an unknown option is named', () =>
  expect(() => parse(['m=audio 5004 RTP/AVP 0'], 'codec=pcmu')).toThrow('there is no option codec'))
