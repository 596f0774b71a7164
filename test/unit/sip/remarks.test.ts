import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answerOffer } from '../../../src/adapters/sip/offer-answer/answer-offer.ts'
import { remarksOf } from '../../../src/adapters/sip/offer-answer/remarks.ts'
import { localMedia } from '../../helpers/offer-answer.ts'

const phones = join(import.meta.dirname, '../../fixtures/sdp/phones')

test.each([
  [
    'linphone',
    '203.0.113.77',
    [
      'audio: the far side names an address in a network of its own: 192.168.178.31:7078',
      'video: no video is taken here',
    ],
  ],
  ['linphone', '192.168.178.31', ['video: no video is taken here']],
  ['host-name-trunk', '203.0.113.9', ['audio: the far side names a host, not an address: unknown:21004']],
  ['t38-beside-sound', '203.0.113.91', ['image: udptl is not taken here']],
  ['freeswitch-savp-and-avp', '198.51.100.31', ['audio: one line of a kind is enough']],
  ['baresip', '198.51.100.88', []],
])('of what %s offers from %s', (phone, signallingFrom, expected) => {
  const text = readFileSync(join(phones, `${phone}.sdp`), 'utf8')
  const result = answerOffer(text, localMedia({ signallingFrom, video: undefined }))
  if (result.outcome === 'refused') throw new Error(result.detail)
  expect([...remarksOf(result)].toSorted()).toEqual(expected)
})

test('a telephone that says no packetization mode is sent fragments all the same, and that is said', () => {
  const text = readFileSync(join(phones, 'linphone.sdp'), 'utf8')
  const result = answerOffer(text, localMedia({ signallingFrom: '192.168.178.31' }))
  if (result.outcome === 'refused') throw new Error(result.detail)
  expect(remarksOf(result)).toEqual([expect.stringMatching(/^video: .*packetization-mode 0/)])
})
