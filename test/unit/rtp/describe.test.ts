import { describe, expect, test } from 'vitest'
import { commandLine } from '../../../src/adapters/rtp/command-line.ts'
import { describeSession } from '../../../src/adapters/rtp/describe-session.ts'
import type { DescribedSession, DescribedStream } from '../../../src/adapters/rtp/described.ts'
import { receiveCommands } from '../../../src/adapters/rtp/receive-commands.ts'
import { sendCommands } from '../../../src/adapters/rtp/send-commands.ts'
import { createAacParams } from '../../../src/media/aac/config.ts'
import { describeCodec, staticPayloadType } from '../../../src/media/sdp/describe-codec.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import type { CodecParameters } from '../../../src/media/types.ts'
import { h264Frames, h265Frames } from '../../helpers/media-fixtures.ts'

const video: DescribedStream = {
  ...{ kind: 'video', codec: 'h264', name: 'H264', clockRate: 90_000, channels: 1 },
  ...{ fmtp: 'packetization-mode=1', payloadType: 96, port: 5004, rtcpPort: 5005, feedback: [] },
}
const audio: DescribedStream = {
  ...{ kind: 'audio', codec: 'opus', name: 'opus', clockRate: 48_000, channels: 2 },
  ...{ fmtp: '', payloadType: 97, port: 5006, rtcpPort: 5007, feedback: [] },
}
const session: DescribedSession = {
  ...{ name: 'live/cam', address: '192.0.2.7', ttl: 16, packetBytes: 1200 },
  ...{ direction: 'sendonly', sdpFile: 'my stream.sdp', streams: [video, audio] },
}
const lines = (told: DescribedSession): string[] => describeSession(told).split('\r\n')

describe('session descriptions', () => {
  test('two ports, as ffmpeg and players take them', () => {
    expect(lines(session)).toEqual([
      ...['v=0', 'o=- 0 0 IN IP4 192.0.2.7', 's=live/cam', 'c=IN IP4 192.0.2.7', 't=0 0'],
      ...[
        'm=video 5004 RTP/AVP 96',
        'a=rtpmap:96 H264/90000',
        'a=fmtp:96 packetization-mode=1',
        'a=sendonly',
      ],
      ...['m=audio 5006 RTP/AVP 97', 'a=rtpmap:97 opus/48000/2', 'a=sendonly', ''],
    ])
  })

  test('one port for RTP and RTCP, another RTCP port, feedback, keys', () => {
    const crypto = { tag: 1, suite: 'AES_CM_128_HMAC_SHA1_80', keySalt: new Uint8Array(30) } as const
    const told = lines({
      ...session,
      streams: [
        { ...video, rtcpPort: 5004, feedback: ['nack', 'nack pli'], crypto },
        { ...audio, rtcpPort: 6001 },
      ],
    })
    expect(told).toContain('m=video 5004 RTP/SAVPF 96')
    expect(told).toContain('a=rtcp-mux')
    expect(told).toContain('a=rtcp-fb:96 nack pli')
    expect(told).toContain(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${'A'.repeat(40)}`)
    expect(told).toContain('a=rtcp:6001')
  })

  test('multicast says how far it goes, in IPv4', () => {
    expect(lines({ ...session, address: '239.1.2.3' })).toContain('c=IN IP4 239.1.2.3/16')
    expect(lines({ ...session, address: 'ff15::3' })).toContain('c=IN IP6 ff15::3')
  })

  test('a name cannot add lines', () => {
    const told = describeSession({ ...session, name: 'x\r\na=evil' })
    expect(parseSdp(told).attributes).toEqual([])
  })
})

describe('codecs', () => {
  const sound = (codec: 'pcmu' | 'l16' | 'g722', clockRate: number, channels: number): CodecParameters => ({
    ...{ codec, kind: 'audio', clockRate, channels },
  })

  test('parameter sets stand in the description', () => {
    const { params } = h264Frames('h264-baseline')[0]!
    expect(describeCodec(params).fmtp).toMatch(
      /^packetization-mode=1;profile-level-id=42[0-9a-f]{4};sprop-parameter-sets=Z[\w+/=]+,[\w+/=]+$/,
    )
    expect(describeCodec(h265Frames()[0]!.params).fmtp).toMatch(/^sprop-vps=.+;sprop-sps=.+;sprop-pps=.+$/)
  })

  test('AAC by RFC 3640', () => {
    expect(describeCodec(createAacParams(Uint8Array.of(0x12, 0x10)))).toEqual({
      name: 'MPEG4-GENERIC',
      clockRate: 44_100,
      channels: 2,
      fmtp: 'profile-level-id=1;mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=1210',
    })
  })

  test('static payload types only for exactly their formats', () => {
    expect(staticPayloadType(sound('pcmu', 8000, 1))).toBe(0)
    expect(staticPayloadType(sound('pcmu', 8000, 2))).toBeUndefined()
    expect(staticPayloadType(sound('g722', 8000, 1))).toBe(9)
    expect(staticPayloadType(sound('l16', 44_100, 2))).toBe(10)
    expect(staticPayloadType(sound('l16', 48_000, 2))).toBeUndefined()
  })
})

describe('commands', () => {
  const { feedback: _, ...bare } = video

  test('words are quoted for a shell', () => {
    expect(commandLine('a', 'b c', "it's", '', 'x=1&y')).toBe(`a 'b c' 'it'\\''s' '' 'x=1&y'`)
  })

  test('receiving names the file of the description', () => {
    const [ffmpeg, gstreamer] = receiveCommands(session)
    expect(ffmpeg!.line).toContain("-i 'my stream.sdp' ")
    expect(gstreamer!.line).toContain('udpsrc port=5004 caps=')
    expect(gstreamer!.line).not.toContain('auto-multicast')
  })

  test('a group is joined', () => {
    expect(receiveCommands({ ...session, address: '239.1.2.3' })[1]!.line).toContain(
      'udpsrc address=239.1.2.3 auto-multicast=true port=5004',
    )
    expect(sendCommands({ ...session, address: '239.1.2.3' })[0]!.line).toContain(
      "'rtp://239.1.2.3:5004?pkt_size=1200&ttl=16'",
    )
  })

  test('with feedback and somebody to ask, GStreamer reports and asks', () => {
    const reports = { address: '192.0.2.1', port: 40_001 }
    const streams = [{ ...video, feedback: ['nack', 'nack pli'], ssrc: 7, reports }]
    const [, gstreamer] = receiveCommands({ ...session, streams })
    expect(gstreamer!.line).toContain('rtcp-fb-nack-pli=(boolean)true')
    expect(gstreamer!.line).toContain('bin.recv_rtp_src_0_7_96 ! rtph264depay')
    expect(gstreamer!.line).toContain('udpsrc port=5005 ! bin.recv_rtcp_sink_0')
    expect(gstreamer!.line).toContain('udpsink host=192.0.2.1 port=40001')
  })

  test('what a program cannot do is not offered', () => {
    const av1 = { ...session, streams: [{ ...bare, feedback: [], codec: 'av1', name: 'AV1' } as const] }
    expect(receiveCommands(av1).map(({ program }) => program)).toEqual(['ffmpeg'])
    expect(sendCommands(av1)).toEqual([])
  })
})
