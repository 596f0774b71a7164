import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/errors.ts'
import {
  attributeOf,
  codecsOf,
  directionOf,
  extensionsOf,
  fingerprintsOf,
  parseFmtp,
} from '../../../src/media/sdp/attributes.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import { writeSdp } from '../../../src/media/sdp/write.ts'

const folder = join(import.meta.dirname, '../../fixtures/sdp')
const session = (lines: string): string => `v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n${lines}`

describe('session descriptions', () => {
  test.each(readdirSync(folder).filter(name => name.endsWith('.sdp')))(
    '%s survives reading and writing',
    name => {
      const first = parseSdp(readFileSync(join(folder, name), 'utf8'))
      expect(first.media.length).toBeGreaterThan(1)
      expect(parseSdp(writeSdp(first))).toEqual(first)
    },
  )

  test('a codec gathers its rtpmap, fmtp and feedback; wildcards and static payload types count', () => {
    const { media } = parseSdp(
      session(
        'm=audio 9 RTP/AVP 111 0 8 77\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 stereo=1\r\na=rtcp-fb:* nack\r\na=rtcp-fb:111 transport-cc\r\n',
      ),
    )
    expect(codecsOf(media[0]!)).toEqual([
      {
        payloadType: 111,
        name: 'opus',
        clockRate: 48000,
        channels: 2,
        fmtp: 'stereo=1',
        feedback: ['nack', 'transport-cc'],
      },
      { payloadType: 0, name: 'PCMU', clockRate: 8000, channels: 1, fmtp: '', feedback: ['nack'] },
      { payloadType: 8, name: 'PCMA', clockRate: 8000, channels: 1, fmtp: '', feedback: ['nack'] },
    ])
  })

  test('directions fall back to the session, then to sendrecv', () => {
    const sdp = parseSdp(
      session('a=recvonly\r\nm=audio 9 RTP/AVP 0\r\nm=audio 9 RTP/AVP 0\r\na=inactive\r\n'),
    )
    expect(sdp.media.map(media => directionOf(media, sdp))).toEqual(['recvonly', 'inactive'])
    const plain = parseSdp(session('m=audio 9 RTP/AVP 0\r\n'))
    expect(directionOf(plain.media[0]!, plain)).toBe('sendrecv')
  })

  test('extensions drop their direction, fingerprints are normalised', () => {
    const sdp = parseSdp(
      session(
        'a=fingerprint:SHA-256 ab:cd\r\nm=audio 9 RTP/AVP 0\r\na=extmap:3/recvonly urn:x\r\na=extmap:0 urn:y\r\n',
      ),
    )
    expect(extensionsOf(sdp.media[0]!)).toEqual([{ id: 3, uri: 'urn:x' }])
    expect(fingerprintsOf(sdp.media[0]!, sdp)).toEqual([{ algorithm: 'sha-256', value: 'AB:CD' }])
  })

  test('fmtp fields are found whatever their case and spacing', () => {
    expect([...parseFmtp(' Packetization-Mode=1; profile-level-id = 42E01F ;flag;')]).toEqual([
      ['packetization-mode', '1'],
      ['profile-level-id', '42E01F'],
      ['flag', ''],
    ])
  })

  test('bare LF line ends and an attribute with colons are read', () => {
    const sdp = parseSdp('v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\na=x:a:b\nm=audio 9/2 RTP/AVP 0\n')
    expect(attributeOf(sdp, 'x')).toBe('a:b')
    expect(sdp.media[0]!.port).toBe(9)
  })

  test.each([
    ['nothing', ''],
    ['JSON', '{"type":"offer"}'],
    ['no origin', 'v=0\r\ns=-\r\n'],
    ['a broken media line', session('m=audio\r\n')],
    ['a port beyond 65535', session('m=audio 65536 RTP/AVP 0\r\n')],
    ['a line without "="', session('hello\r\n')],
    ['too many media lines', session('m=audio 9 RTP/AVP 0\r\n'.repeat(65))],
    ['too many lines', session('a=x\r\n'.repeat(3000))],
    ['too many characters', session(`a=${'x'.repeat(130 * 1024)}\r\n`)],
  ])('%s is refused as malformed', (_, text) => {
    expect(() => parseSdp(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
  })

  test('any text is either read or refused with a coded error', () => {
    const good = readFileSync(join(folder, 'obs-publish.sdp'), 'utf8')
    const mutated = fc
      .tuple(fc.nat(good.length), fc.nat(20), fc.string({ maxLength: 20 }))
      .map(([at, cut, text]) => good.slice(0, at) + text + good.slice(at + cut))
    fc.assert(
      fc.property(fc.oneof(mutated, fc.string()), text => {
        try {
          const sdp = parseSdp(text)
          for (const media of sdp.media) codecsOf(media)
        } catch (error) {
          expect(error).toBeInstanceOf(GatewayError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})
