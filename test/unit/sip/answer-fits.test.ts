/** Whatever is offered: an answer fits its offer by the rules of RFC 3264, and both ends then agree on the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerOffer } from '../../../src/adapters/sip/offer-answer/answer-offer.ts'
import { applyAnswer } from '../../../src/adapters/sip/offer-answer/apply-answer.ts'
import { makeOffer } from '../../../src/adapters/sip/offer-answer/make-offer.ts'
import type { Agreement, CallCodec, LocalMedia } from '../../../src/adapters/sip/offer-answer/types.ts'
import { attributeOf, attributesOf, directionOf } from '../../../src/media/sdp/attributes.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import type { Direction, SdpMedia, SdpSession } from '../../../src/media/sdp/types.ts'
import { audioLine, localMedia, videoLine } from '../../helpers/offer-answer.ts'

const directions: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive']
const keys = [
  'AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz',
  'AES_CM_128_HMAC_SHA1_32 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYydXpcOEMnaB|2^20',
  'AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYydXpcOEMnaB|2^20|1:4',
  'AES_256_CM_HMAC_SHA1_80 inline:c0HZLpfCSAeFm8CJbLfZcB3Pn5TcV6cYv9OHZTzkd0kaqhTrmjIIjCcOAZk=',
]
const formats = [
  '0',
  '8',
  '9',
  '13',
  '18',
  '96 opus/48000/2',
  '97 telephone-event/8000',
  '98 telephone-event/48000',
  '99 H264/90000',
  '100 H264/90000;packetization-mode=1;profile-level-id=64001f',
  '101 H264/90000;packetization-mode=2',
  '102 speex/16000',
  '103 VP8/90000',
  '104 PCMU/16000',
  '105 opus/48000',
]

const formatLines = (format: string): readonly string[] => {
  const [number, rest] = format.split(' ')
  if (rest === undefined) return []
  const [rtpmap, ...fmtp] = rest.split(';')
  return [
    `a=rtpmap:${number} ${rtpmap}`,
    ...(fmtp.length === 0 ? [] : [`a=fmtp:${number} ${fmtp.join(';')}`]),
  ]
}

const mediaLines = fc
  .record({
    kind: fc.constantFrom('audio', 'audio', 'audio', 'video', 'image', 'text'),
    port: fc.constantFrom(0, 4000, 4002, 65_535),
    protocol: fc.constantFrom('RTP/AVP', 'RTP/AVP', 'RTP/SAVP', 'RTP/AVPF', 'RTP/SAVPF', 'udptl', 'rtp/avp'),
    formats: fc
      .subarray(formats, { minLength: 1 })
      .chain(some => fc.shuffledSubarray(some, { minLength: 1 })),
    connection: fc.constantFrom(undefined, 'IN IP4 0.0.0.0', 'IN IP6 2001:db8::9', 'IN IP4 a.example'),
    direction: fc.option(fc.constantFrom(...directions), { nil: undefined }),
    cryptos: fc.uniqueArray(fc.constantFrom(...keys)),
    others: fc.subarray([
      'a=rtcp-mux',
      'a=rtcp:4444',
      'a=ptime:30',
      'a=maxptime:20',
      'a=rtcp-fb:* nack pli',
      'a=mid:0',
    ]),
  })
  .map(({ kind, port, protocol, formats, connection, direction, cryptos, others }) => [
    `m=${kind} ${port} ${protocol} ${formats.map(format => format.split(' ')[0]).join(' ')}`,
    ...(connection === undefined ? [] : [`c=${connection}`]),
    ...formats.flatMap(formatLines),
    ...cryptos.map((key, index) => `a=crypto:${index + 3} ${key}`),
    ...others,
    ...(direction === undefined ? [] : [`a=${direction}`]),
  ])

const offers = fc
  .array(mediaLines, { minLength: 1, maxLength: 5 })
  .map(media =>
    ['v=0', 'o=- 1 1 IN IP4 198.51.100.9', 's=-', 'c=IN IP4 198.51.100.9', 't=0 0', ...media.flat(), ''].join(
      '\r\n',
    ),
  )

const locals = fc
  .record({
    srtp: fc.constantFrom('off', 'optional', 'required'),
    direction: fc.constantFrom(...directions),
    rtcpMux: fc.boolean(),
    telephoneEvents: fc.boolean(),
    hasVideo: fc.boolean(),
    codecs: fc.shuffledSubarray<CallCodec>(['opus', 'g722', 'pcmu', 'pcma'], { minLength: 1 }),
  })
  .map(({ srtp, direction, rtcpMux, telephoneEvents, hasVideo, codecs }): LocalMedia => {
    const common = { direction, rtcpMux }
    const video = hasVideo ? videoLine(common) : undefined
    return localMedia({ srtp, audio: audioLine({ ...common, telephoneEvents, codecs }), video })
  })

const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly'
const receives = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly'

const checkLine = (offer: SdpMedia, answer: SdpMedia, offered: SdpSession, answered: SdpSession): void => {
  expect(answer).toMatchObject({ kind: offer.kind, protocol: offer.protocol })
  if (offer.port === 0) expect(answer.port).toBe(0)
  expect(offer.formats).toEqual(expect.arrayContaining([...answer.formats]))
  if (answer.port === 0) return
  for (const format of answer.formats) {
    const mapOf = (media: SdpMedia) =>
      attributesOf(media, 'rtpmap').find(value => value.startsWith(`${format} `))
    expect(mapOf(answer)).toBe(mapOf(offer) ?? mapOf(answer))
  }
  const [theirs, ours] = [directionOf(offer, offered), directionOf(answer, answered)]
  if (sends(ours)) expect(receives(theirs)).toBe(true)
  if (receives(ours)) expect(sends(theirs)).toBe(true)
  if (attributeOf(answer, 'rtcp-mux') !== undefined) expect(attributeOf(offer, 'rtcp-mux')).toBe('')
  const [crypto, ...more] = attributesOf(answer, 'crypto').map(value =>
    value.split(' ').slice(0, 2).join(' '),
  )
  expect(more).toEqual([])
  if (crypto === undefined) expect(offer.protocol).not.toContain('SAVP')
  else expect(attributesOf(offer, 'crypto').some(value => value.startsWith(`${crypto} `))).toBe(true)
}

/** What is in the result is what the answer says. */
const checkAgreement = (result: Agreement, local: LocalMedia): void => {
  const open = result.local.session.media.flatMap((media, index) => (media.port === 0 ? [] : [index]))
  expect(result.lines.map(({ index }) => index)).toEqual(open)
  expect(new Set(result.lines.map(({ kind }) => kind)).size).toBe(result.lines.length)
  for (const line of result.lines) {
    const media = result.local.session.media[line.index]!
    const numbers = [line.codec, ...line.events].map(({ payloadTypes }) => String(payloadTypes.receive))
    expect(media.formats).toEqual(numbers)
    expect(directionOf(media, result.local.session)).toBe(line.direction)
    expect(attributesOf(media, 'crypto').length).toBe(line.srtp === undefined ? 0 : 1)
    if (local.srtp === 'required') expect(line.srtp).toBeDefined()
    if (local.srtp === 'off') expect(line.srtp).toBeUndefined()
  }
}

test('any answer fits its offer', () => {
  let answers = 0
  fc.assert(
    fc.property(offers, locals, (text, local) => {
      const offered = parseSdp(text)
      const result = answerOffer(text, local)
      if (result.outcome === 'refused') {
        expect(result.code).toBe(488)
        expect(result.detail.length).toBeGreaterThan(10)
        return
      }
      answers++
      const answered = parseSdp(result.local.text)
      expect(answered.media.length).toBe(offered.media.length)
      offered.media.forEach((media, index) => {
        checkLine(media, answered.media[index]!, offered, answered)
      })
      checkAgreement(result, local)
    }),
    { numRuns: 3000 },
  )
  expect(answers).toBeGreaterThan(500)
})

const mirrored: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
}

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString('hex')

test('between two of us both ends agree on the same, also when it is changed later', () => {
  fc.assert(
    fc.property(locals, locals, locals, (caller, callee, changed) => {
      const offered = makeOffer(caller)
      const answer = answerOffer(offered.local.text, callee)
      if (answer.outcome === 'refused') return
      const result = applyAnswer(offered, answer.local.text)
      if (result.outcome === 'refused') throw new Error(result.detail)
      const check = (ours: Agreement, theirs: Agreement): void => {
        expect(ours.lines.length).toBe(theirs.lines.length)
        ours.lines.forEach((line, index) => {
          const other = theirs.lines[index]!
          expect(line.codec.id).toBe(other.codec.id)
          expect(line.alternatives).toEqual([])
          expect(line.codec.payloadTypes.send).toBe(other.codec.payloadTypes.receive)
          expect(line.codec.payloadTypes.receive).toBe(other.codec.payloadTypes.send)
          expect(line.direction).toBe(mirrored[other.direction])
          expect(line.rtcpMux).toBe(other.rtcpMux)
          expect(hex(line.srtp?.local)).toBe(hex(other.srtp?.remote))
          expect(hex(line.srtp?.remote)).toBe(hex(other.srtp?.local))
        })
      }
      check(result, answer)
      const again = makeOffer({ ...changed, srtp: caller.srtp }, result)
      const second = answerOffer(again.local.text, callee, answer)
      if (second.outcome === 'refused') return
      const after = applyAnswer(again, second.local.text)
      if (after.outcome === 'refused') throw new Error(after.detail)
      check(after, second)
    }),
    { numRuns: 1000 },
  )
})

test('what is no description, or half of one, is refused and never thrown', () => {
  const offer = makeOffer(localMedia()).local.text
  fc.assert(
    fc.property(
      fc.nat(offer.length),
      fc.nat(offer.length),
      fc.string({ unit: 'binary' }),
      (from, to, junk) => {
        const text = offer.slice(0, Math.min(from, to)) + junk + offer.slice(Math.max(from, to))
        const result = answerOffer(text, localMedia())
        expect(['agreed', 'refused']).toContain(result.outcome)
        if (result.outcome === 'agreed') expect(() => parseSdp(result.local.text)).not.toThrow()
        expect(['agreed', 'refused']).toContain(applyAnswer(makeOffer(localMedia()), text).outcome)
      },
    ),
    { numRuns: 3000 },
  )
})
