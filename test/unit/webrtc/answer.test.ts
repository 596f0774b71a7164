import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LocalTransport, writeAnswer } from '../../../src/adapters/webrtc/answer.ts'
import {
  assignMedia,
  choosePublished,
  chooseSent,
  viewerAccepts,
} from '../../../src/adapters/webrtc/choose.ts'
import type { WebRtcCodec } from '../../../src/adapters/webrtc/codecs.ts'
import { parseOffer } from '../../../src/adapters/webrtc/offer.ts'
import type { Accept, TrackInfo } from '../../../src/core/types.ts'
import { attributeOf, attributesOf, codecsOf } from '../../../src/media/sdp/attributes.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import type { SdpSession } from '../../../src/media/sdp/types.ts'

const fixture = (name: string): string =>
  readFileSync(join(import.meta.dirname, '../../fixtures/sdp', `${name}.sdp`), 'utf8')
const prefer: readonly WebRtcCodec[] = ['h264', 'vp8', 'vp9', 'av1', 'opus', 'pcmu', 'pcma']
const local: LocalTransport = {
  iceUfrag: 'abcdefgh',
  icePwd: 'p'.repeat(24),
  fingerprintSha256: 'AA:BB',
  candidates: [
    { ip: '192.0.2.1', port: 8189 },
    { ip: '2001:db8::1', port: 9000 },
  ],
  sessionId: '42',
  cname: 'stream',
}
const publish = (text: string, order = prefer): SdpSession => {
  const offer = parseOffer(text)
  return parseSdp(writeAnswer(offer, choosePublished(offer, order), local))
}
const source = (id: string, codec: 'h264' | 'opus' | 'vp8', profileLevelId?: string): TrackInfo =>
  ({
    id,
    kind: codec === 'opus' ? 'audio' : 'video',
    native: 'rtp',
    keyframeOnRequest: true,
    params: { codec, kind: codec === 'opus' ? 'audio' : 'video', clockRate: 90000, profileLevelId } as never,
  }) as const
const view = (text: string, tracks: readonly TrackInfo[]): SdpSession => {
  const offer = parseOffer(text)
  const accepts = viewerAccepts(offer)
  const planned = tracks.map(track => ({
    track,
    accept: accepts.find(accept => accept.codec === track.params.codec) as Accept,
  }))
  let ssrc = 1000
  const choices = chooseSent(offer, assignMedia(offer, planned), () => ssrc++)
  return parseSdp(writeAnswer(offer, choices, local))
}
/** "video 9 recvonly H264 102+103": kind, port, direction, codec, payload types. */
const summary = (answer: SdpSession): string[] =>
  answer.media.map(media => {
    const direction = ['sendonly', 'recvonly', 'sendrecv', 'inactive'].find(
      name => attributeOf(media, name) !== undefined,
    )
    return `${media.kind} ${media.port} ${direction} ${codecsOf(media)[0]?.name ?? '-'} ${media.formats.join('+')}`
  })

describe('answer to a publisher', () => {
  test.each([
    ['chromium-publish', ['audio 9 recvonly opus 111', 'video 9 recvonly H264 102+103']],
    ['firefox-publish', ['audio 9 recvonly opus 109', 'video 9 recvonly H264 126+127']],
    ['obs-publish', ['audio 9 recvonly opus 111', 'video 9 recvonly H264 96']],
    ['gstreamer-publish', ['video 9 recvonly H264 96', 'audio 9 recvonly OPUS 97']],
  ])('%s', (name, expected) => {
    const answer = publish(fixture(name))
    expect(summary(answer)).toEqual(expected)
    expect(attributeOf(answer, 'ice-lite')).toBe('')
    for (const media of answer.media) {
      expect(attributeOf(media, 'setup')).toBe('passive')
      expect(attributeOf(media, 'rtcp-mux')).toBe('')
      expect(attributeOf(media, 'fingerprint')).toBe('sha-256 AA:BB')
      expect(attributesOf(media, 'candidate')).toHaveLength(2)
      expect(attributeOf(media, 'ssrc')).toBeUndefined()
    }
  })

  test('mids and the bundle group are those of the offer', () => {
    const answer = publish(fixture('gstreamer-publish'))
    expect(answer.media.map(media => attributeOf(media, 'mid'))).toEqual(['video0', 'audio1'])
    expect(attributeOf(answer, 'group')).toBe('BUNDLE video0 audio1')
  })

  test('the configured order decides the codec', () => {
    expect(summary(publish(fixture('chromium-publish'), ['vp8', 'opus']))[1]).toBe(
      'video 9 recvonly VP8 96+97',
    )
    expect(summary(publish(fixture('chromium-publish'), ['av1', 'opus']))[1]).toMatch(/AV1 45\+46/)
  })

  test('only mid and transport-wide sequence numbers are answered, never video-orientation', () => {
    const video = publish(fixture('chromium-publish')).media[1]!
    expect(attributesOf(video, 'extmap')).toEqual([
      '4 urn:ietf:params:rtp-hdrext:sdes:mid',
      '3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
    ])
    expect(codecsOf(video)[0]!.feedback).toEqual(['transport-cc', 'nack', 'nack pli', 'ccm fir'])
  })

  test('REMB is used where transport-wide feedback is not', () => {
    expect(codecsOf(publish(fixture('obs-publish')).media[1]!)[0]!.feedback).toEqual([
      'goog-remb',
      'nack',
      'nack pli',
    ])
  })

  test('H.264 keeps the offered profile and mode, and says that levels may differ', () => {
    const fmtp = (name: string, index: number): string =>
      codecsOf(publish(fixture(name)).media[index]!)[0]!.fmtp
    expect(fmtp('chromium-publish', 1)).toBe(
      'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f',
    )
    expect(fmtp('gstreamer-publish', 0)).toBe(
      'packetization-mode=1;profile-level-id=42c01e;level-asymmetry-allowed=1',
    )
  })

  test('mode 1 is taken before mode 0 even when it is offered later', () => {
    const text = fixture('chromium-publish').replace('96 97 102 103 104 107', '104 107 102 103')
    expect(summary(publish(text))[1]).toBe('video 9 recvonly H264 102+103')
  })

  test('Opus is answered in stereo', () => {
    expect(codecsOf(publish(fixture('chromium-publish')).media[0]!)[0]!.fmtp).toContain(
      'stereo=1;sprop-stereo=1',
    )
  })

  test('candidates carry every advertised address and fall in priority', () => {
    const candidates = attributesOf(publish(fixture('obs-publish')).media[0]!, 'candidate')
    expect(candidates).toEqual([
      '1 1 udp 2130706431 192.0.2.1 8189 typ host',
      '2 1 udp 2130706175 2001:db8::1 9000 typ host',
    ])
  })

  test('a codec nobody knows refuses the line, not the session', () => {
    const text = fixture('obs-publish').replace('H264/90000', 'THEORA/90000')
    const answer = publish(text)
    expect(summary(answer)).toEqual(['audio 9 recvonly opus 111', 'video 0 inactive - 96'])
    expect(attributeOf(answer, 'group')).toBe('BUNDLE 0')
  })

  test('nothing in common names both sides', () => {
    const text = fixture('obs-publish')
      .replace('H264/90000', 'THEORA/90000')
      .replace('opus/48000', 'speex/16000')
    expect(() => publish(text)).toThrow(/speex.*THEORA.*taken: h264, vp8/)
  })

  test('an offer that sends nothing is a bad request', () => {
    expect(() => publish(fixture('chromium-view'))).toThrow(expect.objectContaining({ code: 'bad-request' }))
  })
})

describe('answer to a viewer', () => {
  test.each([
    [
      'chromium-view',
      [
        'video 9 sendonly H264 103+104',
        'audio 9 sendonly opus 111',
        'application 0 inactive - webrtc-datachannel',
      ],
    ],
    ['safari-view', ['video 9 sendonly H264 98+99', 'audio 9 sendonly opus 111']],
  ])('%s', (name, expected) => {
    const answer = view(fixture(name), [source('video', 'h264', '42001f'), source('audio', 'opus')])
    expect(summary(answer).map(line => line.replace(/H264 \d+\+\d+/, 'H264'))).toEqual(
      expected.map(line => line.replace(/H264 \d+\+\d+/, 'H264')),
    )
    const video = answer.media[0]!
    expect(attributesOf(video, 'ssrc')).toEqual(['1000 cname:stream', '1001 cname:stream'])
    expect(attributeOf(video, 'ssrc-group')).toBe('FID 1000 1001')
    expect(attributesOf(video, 'msid')).toEqual(['stream video'])
    expect(codecsOf(video)[0]!.feedback).not.toContain('transport-cc')
    expect(attributesOf(video, 'extmap')).toHaveLength(1)
  })

  test.each([
    ['42001f', '42'],
    ['640028', '64'],
    ['4d401f', '42|64'],
  ])('a source of profile %s is answered with profile %s where offered', (source_, profile) => {
    const answer = view(fixture('safari-view'), [source('video', 'h264', source_)])
    expect(codecsOf(answer.media[0]!)[0]!.fmtp).toMatch(new RegExp(`profile-level-id=(${profile})`))
  })

  test('a line without a planned track stays idle, a second track of a kind finds no line', () => {
    const offer = parseOffer(fixture('safari-view'))
    const answer = view(fixture('safari-view'), [source('audio', 'opus')])
    expect(summary(answer)).toEqual(['video 9 inactive H264 96+97', 'audio 9 sendonly opus 111'])
    const accept = viewerAccepts(offer).find(({ codec }) => codec === 'vp8')!
    const sent = assignMedia(
      offer,
      ['video', 'video-1'].map(id => ({ track: source(id, 'vp8'), accept })),
    )
    expect(sent.map(({ mediaIndex }) => mediaIndex)).toEqual([0, undefined])
  })

  test('each codec and mode is accepted once, in the order of the viewer, and B-frames are not', () => {
    const accepts = viewerAccepts(parseOffer(fixture('chromium-view')))
    const video = accepts.filter(({ kind }) => kind === 'video')
    expect(video.map(({ codec, rtp }) => `${codec} ${rtp?.h264PacketizationMode ?? ''}`.trim())).toEqual(
      expect.arrayContaining(['vp8', 'vp9', 'av1', 'h264 1', 'h264 0']),
    )
    expect(new Set(video.map(accept => JSON.stringify(accept))).size).toBe(video.length)
    expect(video.every(({ reordered, form }) => reordered === false && form === 'rtp')).toBe(true)
    expect(accepts.filter(({ kind }) => kind === 'audio')[0]).toMatchObject({
      codec: 'opus',
      channels: 2,
      sampleRate: 48000,
    })
  })

  test('an offer that only sends is a bad request', () => {
    expect(() => viewerAccepts(parseOffer(fixture('obs-publish')))).toThrow(
      expect.objectContaining({ code: 'bad-request' }),
    )
  })
})

describe('offers that cannot be answered', () => {
  const obs = fixture('obs-publish')
  test.each([
    ['no media', obs.slice(0, obs.indexOf('m=audio')), 'malformed'],
    ['no ufrag', obs.replace('a=ice-ufrag:nxcM\n', ''), 'malformed'],
    ['a short ufrag', obs.replace('nxcM', 'x'), 'malformed'],
    ['no fingerprint', obs.replace(/a=fingerprint.*\n/, ''), 'malformed'],
    ['only a SHA-1 fingerprint', obs.replace('sha-256', 'sha-1'), 'malformed'],
    ['no setup', obs.replace('a=setup:actpass\n', ''), 'malformed'],
    ['setup holdconn', obs.replace('actpass', 'holdconn'), 'malformed'],
    ['an ICE-lite offerer', obs.replace('t=0 0\n', 't=0 0\na=ice-lite\n'), 'not-implemented'],
  ])('%s', (_, text, code) => {
    expect(() => parseOffer(text)).toThrow(expect.objectContaining({ code }))
  })

  test('a passive offerer gets an active answer', () => {
    const answer = publish(obs.replace('actpass', 'passive'))
    expect(attributeOf(answer.media[0]!, 'setup')).toBe('active')
  })

  test('without a bundle group only the first line is carried', () => {
    const answer = publish(obs.replace('a=group:BUNDLE 0 1\n', ''))
    expect(summary(answer)).toEqual(['audio 9 recvonly opus 111', 'video 0 inactive - 96'])
  })

  test('a line without rtcp-mux is refused', () => {
    const second = obs.lastIndexOf('a=rtcp-mux\n')
    const answer = publish(obs.slice(0, second) + obs.slice(second + 'a=rtcp-mux\n'.length))
    expect(answer.media[1]!.port).toBe(0)
  })
})
