import { describe, expect, test } from 'vitest'
import { addressDoubt } from '../../../src/adapters/sip/offer-answer/address-doubt.ts'
import { answerOffer } from '../../../src/adapters/sip/offer-answer/answer-offer.ts'
import { applyAnswer } from '../../../src/adapters/sip/offer-answer/apply-answer.ts'
import { makeOffer } from '../../../src/adapters/sip/offer-answer/make-offer.ts'
import type { Agreement, LocalMedia, Refusal } from '../../../src/adapters/sip/offer-answer/types.ts'
import type { Direction } from '../../../src/media/sdp/types.ts'
import { audioLine, localMedia, summary, videoLine } from '../../helpers/offer-answer.ts'

const session = (lines: readonly string[], origin = '- 9 1 IN IP4 198.51.100.9'): string =>
  ['v=0', `o=${origin}`, 's=-', 'c=IN IP4 198.51.100.9', 't=0 0', ...lines, ''].join('\r\n')
const agreed = (result: Agreement | Refusal): Agreement => {
  if (result.outcome === 'refused') throw new Error(result.detail)
  return result
}
const voice = (changes: Partial<LocalMedia> = {}): LocalMedia => localMedia({ video: undefined, ...changes })
const withDirection = (direction: Direction): LocalMedia => voice({ audio: audioLine({ direction }) })

describe('offers of our own', () => {
  test('name every codec once, events for each clock, ports, keys and direction', () => {
    expect(makeOffer(localMedia()).local.text.split('\r\n')).toEqual([
      'v=0',
      'o=- 4711 1 IN IP4 198.51.100.1',
      's=-',
      'c=IN IP4 198.51.100.1',
      't=0 0',
      'm=audio 20000 RTP/AVP 111 9 0 8 110 101',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 useinbandfec=1',
      'a=rtpmap:9 G722/8000',
      'a=rtpmap:0 PCMU/8000',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:110 telephone-event/48000',
      'a=fmtp:110 0-15',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=rtcp-mux',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB',
      'a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC',
      'a=sendrecv',
      'm=video 20002 RTP/AVP 96 97',
      'a=rtpmap:96 H264/90000',
      'a=fmtp:96 profile-level-id=42e01f;packetization-mode=1',
      'a=rtpmap:97 H264/90000',
      'a=fmtp:97 profile-level-id=42e01f;packetization-mode=0',
      'a=rtcp-fb:96 nack pli',
      'a=rtcp-fb:96 ccm fir',
      'a=rtcp-fb:97 nack pli',
      'a=rtcp-fb:97 ccm fir',
      'a=rtcp-mux',
      'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD',
      'a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE',
      'a=sendrecv',
      '',
    ])
  })

  test('the profile that is sent comes first, and constrained baseline stays possible', () => {
    const video = videoLine({
      profileLevelId: '64001F',
      spropParameterSets: 'Z2QAH6w=,aO4=',
      bandwidthKbps: 1500,
    })
    const { text } = makeOffer(localMedia({ video })).local
    expect(text).toContain(
      'a=fmtp:96 profile-level-id=64001f;packetization-mode=1;sprop-parameter-sets=Z2QAH6w=,aO4=\r\n',
    )
    expect(text).toContain('a=fmtp:97 profile-level-id=42e01f;packetization-mode=1\r\n')
    expect(text).toContain('b=AS:1500\r\n')
  })

  test.each([
    ['42c01e', '42e01f'],
    ['42C028', '42e028'],
    [undefined, '42e01f'],
  ])('baseline of the kind %s is offered as %s', (profileLevelId, expected) => {
    const video = videoLine(profileLevelId === undefined ? {} : { profileLevelId })
    const formats = makeOffer(localMedia({ video })).local.text.match(
      /profile-level-id=\w+;packetization-mode=./g,
    )
    expect(formats).toEqual([1, 0].map(mode => `profile-level-id=${expected};packetization-mode=${mode}`))
  })

  test.each([
    ['off', 'RTP/AVP', false],
    ['optional', 'RTP/AVP', true],
    ['required', 'RTP/SAVP', true],
  ] as const)('encryption %s is %s', (srtp, protocol, hasKeys) => {
    const { text } = makeOffer(voice({ srtp })).local
    expect(text).toContain(`m=audio 20000 ${protocol} `)
    expect(text.includes('a=crypto:')).toBe(hasKeys)
  })

  test('RTCP on a port of its own choice is said (RFC 3605)', () => {
    const { text } = makeOffer(voice({ audio: audioLine({ rtcpPort: 20_000, rtcpMux: false }) })).local
    expect(text).toContain('a=rtcp:20000\r\n')
    expect(text).not.toContain('rtcp-mux')
  })
})

describe('answers to our offers', () => {
  const offered = makeOffer(voice())
  const apply = (...lines: readonly string[]) => summary(applyAnswer(offered, session(lines)))

  test('each side keeps its own payload types', () => {
    expect(
      apply('m=audio 5000 RTP/AVP 96 105', 'a=rtpmap:96 opus/48000/2', 'a=rtpmap:105 telephone-event/48000'),
    ).toEqual(['0 opus 96>111, events 105>110@48000, 20 ms, sendrecv, 198.51.100.9 5000/5001'])
  })

  test('several codecs: the first is sent, the others may come in', () => {
    const result = agreed(
      applyAnswer(offered, session(['m=audio 5000 RTP/AVP 8 0 101', 'a=rtpmap:101 telephone-event/8000'])),
    )
    expect(result.lines[0]!.codec.id).toBe('pcma')
    expect(result.lines[0]!.alternatives.map(({ id }) => id)).toEqual(['pcmu'])
  })

  test('keys come from the answer, else it is in clear', () => {
    const crypto = 'a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
    const line = agreed(applyAnswer(offered, session(['m=audio 5000 RTP/AVP 0', crypto]))).lines[0]!
    expect(line.srtp).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_32', local: new Uint8Array(30).fill(2) })
    expect(Buffer.from(line.srtp!.remote).toString('base64')).toBe('WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz')
    expect(agreed(applyAnswer(offered, session(['m=audio 5000 RTP/AVP 0']))).lines[0]!.srtp).toBeUndefined()
  })

  test('where encryption is required an answer in clear ends the call', () => {
    const secure = makeOffer(voice({ srtp: 'required' }))
    expect(summary(applyAnswer(secure, session(['m=audio 5000 RTP/AVP 0'])))).toEqual([
      '488/306 audio: answered RTP/AVP without a key line that was offered',
    ])
  })

  test.each([
    ['refused', ['m=audio 0 RTP/AVP 0'], '488/304 audio: refused by the far side'],
    ['nothing', [], '488/304 audio: left out of the answer'],
    [
      'a codec of its own',
      ['m=audio 5000 RTP/AVP 18'],
      '488/305 audio: answered with G729, offered was opus, G722, PCMU, PCMA',
    ],
    ['fax', ['m=image 5000 udptl t38'], '488/304 audio: answered with image over udptl'],
  ])('%s is no agreement', (_, lines, expected) => {
    expect(apply(...lines)).toEqual([expected])
  })

  test('what is no description is 400', () => {
    expect(applyAnswer(offered, 'hello')).toMatchObject({ code: 400 })
    expect(answerOffer('v=0\r\nm=audio', voice())).toMatchObject({ code: 400 })
  })

  test('pictures refused leave the call its sound', () => {
    const both = makeOffer(localMedia())
    expect(summary(applyAnswer(both, session(['m=audio 5000 RTP/AVP 0', 'm=video 0 RTP/AVP 96'])))).toEqual([
      '0 pcmu 0, 20 ms, sendrecv, 198.51.100.9 5000/5001',
      '- video: refused by the far side',
    ])
  })

  test('single NAL units where the answer does not speak of modes', () => {
    const both = makeOffer(localMedia())
    const answer = session(['m=audio 5000 RTP/AVP 0', 'm=video 5002 RTP/AVP 97', 'a=rtpmap:97 H264/90000'])
    expect(summary(applyAnswer(both, answer))[1]).toBe('1 h264 97, mode 0, sendrecv, 198.51.100.9 5002/5003')
  })
})

describe('directions and hold', () => {
  const offer = (direction: string, address?: string) =>
    session([
      'm=audio 5000 RTP/AVP 0',
      ...(address === undefined ? [] : [`c=IN IP4 ${address}`]),
      `a=${direction}`,
    ])

  // RFC 3264 6.1 and 8.4: theirs, ours, what is answered, whether they hold us
  test.each([
    ['sendrecv', 'sendrecv', 'sendrecv', false],
    ['sendrecv', 'sendonly', 'sendonly', false],
    ['sendrecv', 'recvonly', 'recvonly', false],
    ['sendrecv', 'inactive', 'inactive', false],
    ['sendonly', 'sendrecv', 'recvonly', true],
    ['sendonly', 'sendonly', 'inactive', true],
    ['sendonly', 'recvonly', 'recvonly', true],
    ['recvonly', 'sendrecv', 'sendonly', false],
    ['recvonly', 'recvonly', 'inactive', false],
    ['recvonly', 'sendonly', 'sendonly', false],
    ['inactive', 'sendrecv', 'inactive', true],
    ['inactive', 'recvonly', 'inactive', true],
  ] as const)('%s to our %s is %s', (theirs, ours, expected, held) => {
    const result = agreed(answerOffer(offer(theirs), withDirection(ours)))
    expect(result.lines[0]).toMatchObject({ direction: expected, heldByPeer: held })
    expect(result.local.text).toContain(`a=${expected}\r\n`)
  })

  test.each(['0.0.0.0'])('an address of zeros (%s) is hold as in RFC 2543', address => {
    const line = agreed(answerOffer(offer('sendrecv', address), voice())).lines[0]!
    expect(line).toMatchObject({ direction: 'recvonly', heldByPeer: true, doubt: 'unspecified' })
  })

  test('hold of ours and resume keep line, numbers and keys; the version counts each change once', () => {
    const first = agreed(applyAnswer(makeOffer(voice()), session(['m=audio 5000 RTP/AVP 0', 'a=sendrecv'])))
    const hold = makeOffer(withDirection('sendonly'), first)
    expect(hold.local.text).toContain('o=- 4711 2 IN IP4 198.51.100.1\r\n')
    expect(hold.local.text).toContain('m=audio 20000 RTP/AVP 0 111 9 8 101 110\r\n')
    expect(hold.local.text).toContain('a=sendonly\r\n')
    const held = agreed(applyAnswer(hold, session(['m=audio 5000 RTP/AVP 0', 'a=recvonly'])))
    expect(held.lines[0]).toMatchObject({ direction: 'sendonly', heldByPeer: false })
    const resume = makeOffer(voice(), held)
    expect(resume.local.text).toContain('o=- 4711 3 IN IP4')
    expect(makeOffer(voice(), { ...held, local: resume.local }).local.text).toBe(resume.local.text)
  })
})

describe('later offers of the far side', () => {
  const first = session(['m=audio 5000 RTP/AVP 8 0 96', 'a=rtpmap:96 telephone-event/8000'])

  test('a refresh is answered with the same words', () => {
    const before = agreed(answerOffer(first, voice()))
    expect(agreed(answerOffer(first, voice(), before)).local.text).toBe(before.local.text)
  })

  test('another port and codec is another version', () => {
    const before = agreed(answerOffer(first, voice()))
    const after = agreed(answerOffer(session(['m=audio 6000 RTP/AVP 9']), voice(), before))
    expect(after.local.text).toContain('o=- 4711 2 IN IP4')
    expect(summary(after)).toEqual(['0 g722 9, 20 ms, sendrecv, 198.51.100.9 6000/6001'])
  })

  test('fax instead of sound is refused and the call goes on', () => {
    const before = agreed(answerOffer(first, voice()))
    const fax = session(['m=audio 0 RTP/AVP 8', 'm=image 6000 udptl t38'])
    expect(summary(answerOffer(fax, voice(), before))).toEqual(['488/304 image: udptl is not taken here'])
  })

  test('every line may be ended, and begun again by us', () => {
    const before = agreed(answerOffer(first, voice()))
    const ended = agreed(answerOffer(session(['m=audio 0 RTP/AVP 8']), voice(), before))
    expect(summary(ended)).toEqual(['- audio: ended by the far side'])
    expect(ended.local.text).toContain('m=audio 0 RTP/AVP 8\r\n')
    expect(makeOffer(voice(), ended).local.session.media.map(({ port }) => port)).toEqual([20_000])
  })

  test('the line in use stays in use when a better one stands before it', () => {
    const crypto = 'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz'
    const before = agreed(answerOffer(session(['m=audio 0 RTP/SAVP 0', 'm=audio 5000 RTP/AVP 0']), voice()))
    const both = session(['m=audio 5002 RTP/SAVP 0', crypto, 'm=audio 5000 RTP/AVP 0'])
    expect(agreed(answerOffer(both, voice(), before)).lines[0]!.index).toBe(1)
  })

  test('our offer keeps their numbers, their lines and never gives a number two meanings', () => {
    const theirs = session([
      'm=audio 5000 RTP/AVP 96 0 110',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:110 telephone-event/8000',
      'm=image 6000 udptl t38',
    ])
    const before = agreed(answerOffer(theirs, voice()))
    const media = makeOffer(withDirection('sendonly'), before).local.session.media
    expect(media.map(({ kind, port }) => `${kind} ${port}`)).toEqual(['audio 20000', 'image 0'])
    expect(media[0]!.formats).toEqual(['96', '9', '0', '8', '97', '110'])
    expect(media[0]!.attributes).toContainEqual({ name: 'rtpmap', value: '110 telephone-event/8000' })
    expect(media[0]!.attributes).toContainEqual({ name: 'rtpmap', value: '97 telephone-event/48000' })
  })
})

describe('how long packets are', () => {
  // asked for, at most, ours → sent
  test.each([
    ['', '', [20], 20],
    ['a=ptime:30', '', [20], 20],
    ['a=ptime:30', '', [20, 30], 30],
    ['a=ptime:60', 'a=maxptime:40', [20, 60], 20],
    ['a=ptime:20', 'a=maxptime:10', [20, 10], 10],
    ['', 'a=maxptime:10', [20], 20],
    ['a=ptime:0', 'a=maxptime:junk', [20], 20],
    ['a=ptime:20.0', '', [10, 20], 20],
  ])('%s %s of %j is %i ms', (ptime, maxptime, ptimesMs, expected) => {
    const lines = ['m=audio 5000 RTP/AVP 0', ptime, maxptime].filter(line => line !== '')
    const result = agreed(answerOffer(session(lines), voice({ audio: audioLine({ ptimesMs }) })))
    expect(result.lines[0]!.sendPtimeMs).toBe(expected)
    expect(result.local.text).toContain(`a=ptime:${expected}\r\n`)
  })
})

test.each([
  [undefined, '8.8.8.8', 'host-name'],
  ['0.0.0.0', '8.8.8.8', 'unspecified'],
  ['::', undefined, 'unspecified'],
  ['239.1.2.3', '8.8.8.8', 'multicast'],
  ['8.8.8.8', '8.8.8.8', undefined],
  ['192.168.1.5', undefined, undefined],
  ['192.168.1.5', '192.168.1.5', undefined],
  ['192.168.1.5', '8.8.8.8', 'private'],
  ['127.0.0.1', '10.0.0.9', 'private'],
  ['9.9.9.9', '8.8.8.8', 'elsewhere'],
  ['9.9.9.9', '10.0.0.1', undefined],
  ['fd00::5', '2606:4700::1', 'private'],
] as const)('%s with signalling from %s: %s', (address, signalling, expected) => {
  expect(addressDoubt(address, signalling)).toBe(expected)
})
