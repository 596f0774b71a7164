/** Session descriptions as telephones, PBXes and carriers write them: what each gets as an answer. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { answerOffer } from '../../../src/adapters/sip/offer-answer/answer-offer.ts'
import type { LocalMedia } from '../../../src/adapters/sip/offer-answer/types.ts'
import { parseSdp } from '../../../src/media/sdp/parse.ts'
import { writeSdp } from '../../../src/media/sdp/write.ts'
import { audioLine, localMedia, summary, videoLine } from '../../helpers/offer-answer.ts'

const folder = join(import.meta.dirname, '../../fixtures/sdp/phones')
const read = (name: string): string => readFileSync(join(folder, `${name}.sdp`), 'utf8')

interface Row {
  readonly phone: string
  readonly local?: Partial<LocalMedia>
  readonly expected: readonly string[]
}

const table: readonly Row[] = [
  {
    phone: '3cx-rtcp-elsewhere',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 203.0.113.25 9012/9501'],
  },
  { phone: 'all-ended', expected: ['488/304 the offer has no open line of media'] },
  {
    phone: 'asterisk-chan-sip',
    expected: ['0 pcma 8, events 101@8000, 20 ms, sendrecv, 198.51.100.20 13754/13755'],
  },
  {
    phone: 'asterisk-chan-sip',
    local: { srtp: 'required' },
    expected: ['488/306 audio: SRTP is required here, and it has no a=crypto line (RTP/AVP)'],
  },
  {
    phone: 'asterisk-pjsip-opus',
    expected: ['0 opus 107, events 101@48000, 20 ms, sendrecv, 198.51.100.21 10092/10092, mux'],
  },
  {
    phone: 'asterisk-pjsip-opus',
    local: { audio: audioLine({ codecs: ['pcma', 'g722'], rtcpMux: false }) },
    expected: ['0 g722 9, events 102@8000, 20 ms, sendrecv, 198.51.100.21 10092/10093'],
  },
  {
    phone: 'avaya-9600-srtp-unencrypted-srtcp',
    expected: ['0 pcmu 0, events 120@8000, 20 ms, sendrecv, 10.40.1.15 5006/5007, srtp 80'],
  },
  {
    phone: 'avaya-aura-capneg',
    expected: ['0 pcmu 0, events 127@8000, 20 ms, sendrecv, 10.40.1.9 2050/2051'],
  },
  { phone: 'baresip', expected: ['0 opus 96, events 101@8000, 20 ms, sendrecv, 198.51.100.88 29336/29337'] },
  {
    phone: 'baresip',
    local: { audio: audioLine({ codecs: ['pcmu'], telephoneEvents: false }) },
    expected: ['0 pcmu 0, 20 ms, sendrecv, 198.51.100.88 29336/29337'],
  },
  {
    phone: 'baresip',
    local: { audio: audioLine({ direction: 'sendonly' }) },
    expected: ['0 opus 96, events 101@8000, 20 ms, sendonly, 198.51.100.88 29336/29337'],
  },
  {
    phone: 'carrier-like-twilio-secure',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 203.0.113.52 11666/11667, srtp 80'],
  },
  {
    phone: 'carrier-like-twilio-secure',
    local: { srtp: 'off' },
    expected: ['488/306 audio: RTP/SAVP is encrypted, and SRTP is off here'],
  },
  {
    phone: 'carrier-like-twilio',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 203.0.113.51 18392/18393'],
  },
  {
    phone: 'carrier-like-vonage',
    expected: ['0 pcmu 0, events 116@8000, 20 ms, sendrecv, 203.0.113.61 39106/39107'],
  },
  {
    phone: 'cisco-ata-30ms',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 192.168.1.55 16384/16385'],
  },
  {
    phone: 'cisco-ata-30ms',
    local: { audio: audioLine({ ptimesMs: [20, 30, 40] }) },
    expected: ['0 pcmu 0, events 101@8000, 30 ms, sendrecv, 192.168.1.55 16384/16385'],
  },
  {
    phone: 'cisco-cucm',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 198.51.100.41 24586/24587'],
  },
  {
    phone: 'doorbell-2n',
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 10.0.24.59 5000/5001',
      '1 h264 124, mode 1, recvonly, held, 10.0.24.59 5002/5003, ccm fir, 1024 kbit/s',
    ],
  },
  {
    phone: 'doorbell-2n',
    local: { video: undefined },
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 10.0.24.59 5000/5001',
      '- video: no video is taken here',
    ],
  },
  {
    phone: 'doorbell-2n',
    local: { audio: undefined },
    expected: [
      '1 h264 124, mode 1, recvonly, held, 10.0.24.59 5002/5003, ccm fir, 1024 kbit/s',
      '- audio: no audio is taken here',
    ],
  },
  {
    phone: 'freeswitch-savp-and-avp',
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 198.51.100.31 22010/22011, srtp 80',
      '- audio: one line of a kind is enough',
    ],
  },
  {
    phone: 'freeswitch-savp-and-avp',
    local: { srtp: 'off' },
    expected: [
      '1 pcmu 0, events 101@8000, 20 ms, sendrecv, 198.51.100.31 22010/22011',
      '- audio: RTP/SAVP is encrypted, and SRTP is off here',
    ],
  },
  {
    phone: 'freeswitch-savp-and-avp',
    local: { srtp: 'required' },
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 198.51.100.31 22010/22011, srtp 80',
      '- audio: SRTP is required here, and it has no a=crypto line (RTP/AVP)',
    ],
  },
  {
    phone: 'freeswitch',
    expected: ['0 pcmu 0, events 101@8000, 20 ms, sendrecv, 198.51.100.30 26582/26583'],
  },
  { phone: 'fritzbox', expected: ['0 g722 9, events 101@8000, 20 ms, sendrecv, 192.168.178.1 7090/7091'] },
  {
    phone: 'grandstream-gxp-srtp-optional',
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 192.168.2.30 5004/5005, srtp 32',
      '- audio: one line of a kind is enough',
    ],
  },
  {
    phone: 'grandstream-gxp-srtp-optional',
    local: { srtp: 'off' },
    expected: [
      '1 pcmu 0, events 101@8000, 20 ms, sendrecv, 192.168.2.30 5004/5005',
      '- audio: RTP/SAVP is encrypted, and SRTP is off here',
    ],
  },
  { phone: 'host-name-trunk', expected: ['0 pcma 8, events 96@8000, 20 ms, sendrecv, a name 21004/21005'] },
  {
    phone: 'ims-volte-amr-only',
    expected: ['488/305 audio: no codec in common: offered AMR-WB, AMR, taken opus, g722, pcmu, pcma'],
  },
  {
    phone: 'ims-volte-preconditions',
    expected: ['0 pcma 8, events 100@8000, 20 ms, sendrecv, 2001:db8:40:12::7 49152/49153'],
  },
  {
    phone: 'ims-volte-preconditions',
    local: { address6: undefined },
    expected: ['488/301 audio: its address is IPv6, media here has none of that family'],
  },
  {
    phone: 'jitsi-desktop-zrtp',
    expected: [
      '0 opus 96, events 101@8000, 20 ms, sendrecv, 192.168.0.12 5012/5013, srtp 80',
      '1 h264 105, mode 1, sendonly, 192.168.0.12 5014/5015, srtp 80',
    ],
  },
  {
    phone: 'legacy-g722-16000',
    expected: ['0 g722 9, events 97@8000, 20 ms, sendrecv, 198.51.100.62 5200/5201'],
  },
  {
    phone: 'legacy-g722-16000',
    local: { audio: audioLine({ ptimesMs: [20, 40] }) },
    expected: ['0 g722 9, events 97@8000, 40 ms, sendrecv, 198.51.100.62 5200/5201'],
  },
  {
    phone: 'linphone',
    expected: [
      '0 opus 96, events 101@48000, 20 ms, sendrecv, 192.168.178.31 7078/56126',
      '1 h264 97, mode 0, sendrecv, 192.168.178.31 9078/9079, nack pli, ccm fir',
    ],
  },
  {
    phone: 'mobile-video-ipv6',
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 2001:db8:77::52 31000/31001',
      '1 h264 98, mode 1, sendrecv, 2001:db8:77::52 31002/31003, nack, nack pli, ccm fir',
    ],
  },
  {
    phone: 'mobile-video-ipv6',
    local: { video: undefined },
    expected: [
      '0 pcmu 0, events 101@8000, 20 ms, sendrecv, 2001:db8:77::52 31000/31001',
      '- video: no video is taken here',
    ],
  },
  { phone: 'old-gateway-hold-zeros', expected: ['0 pcmu 0, 20 ms, recvonly, held, 0.0.0.0 40000/40001'] },
  { phone: 'polycom-vvx', expected: ['0 g722 9, events 127@8000, 20 ms, sendrecv, 192.168.7.20 2238/2239'] },
  {
    phone: 'rtpengine-dtls-to-phone',
    expected: ['488/304 audio: UDP/TLS/RTP/SAVPF is not taken here; RTP/AVP and RTP/SAVP are'],
  },
  {
    phone: 'rtpengine-rewritten',
    expected: ['0 pcma 8, events 101@8000, 20 ms, sendrecv, 203.0.113.9 30012/30013'],
  },
  {
    phone: 'snom-rtp-avp-with-crypto',
    expected: ['0 g722 9, events 101@8000, 20 ms, sendrecv, 192.168.3.44 57076/57077, srtp 32'],
  },
  {
    phone: 'snom-rtp-avp-with-crypto',
    local: { srtp: 'off' },
    expected: ['0 g722 9, events 101@8000, 20 ms, sendrecv, 192.168.3.44 57076/57077'],
  },
  {
    phone: 'snom-rtp-avp-with-crypto',
    local: { srtp: 'required' },
    expected: ['0 g722 9, events 101@8000, 20 ms, sendrecv, 192.168.3.44 57076/57077, srtp 32'],
  },
  {
    phone: 't38-beside-sound',
    expected: ['0 pcma 8, 20 ms, sendrecv, 203.0.113.91 17000/17001', '- image: udptl is not taken here'],
  },
  { phone: 't38-fax-switch', expected: ['488/304 image: udptl is not taken here'] },
  {
    phone: 'teams-like-sbc-media-bypass',
    expected: ['0 g722 9, events 101@8000, 20 ms, sendrecv, 203.0.113.200 52270/52270, mux, srtp 80'],
  },
  {
    phone: 'video-phone-high-profile',
    expected: [
      '0 g722 9, events 101@8000, 20 ms, sendrecv, 198.51.100.150 2356/2357',
      '1 h264 126, mode 1, sendrecv, 198.51.100.150 2358/2359, nack pli, ccm fir, 6000 kbit/s',
      '- application: UDP/BFCP is not taken here',
      '- video: one line of a kind is enough',
      '- application: RTP/AVP is not taken here',
    ],
  },
  {
    phone: 'video-phone-high-profile',
    local: { video: videoLine({ profileLevelId: '42e01f' }) },
    expected: [
      '0 g722 9, events 101@8000, 20 ms, sendrecv, 198.51.100.150 2356/2357',
      '1 h264 97, mode 0, sendrecv, 198.51.100.150 2358/2359, nack pli, ccm fir, 6000 kbit/s',
      '- application: UDP/BFCP is not taken here',
      '- video: one line of a kind is enough',
      '- application: RTP/AVP is not taken here',
    ],
  },
  {
    phone: 'yealink-t4x-hold',
    expected: ['0 g722 9, events 101@8000, 20 ms, recvonly, held, 192.168.10.77 11794/11795'],
  },
  {
    phone: 'yealink-t4x-hold',
    local: { audio: audioLine({ direction: 'sendonly' }) },
    expected: ['0 g722 9, events 101@8000, 20 ms, inactive, held, 192.168.10.77 11794/11795'],
  },
  {
    phone: 'zoiper',
    expected: ['0 opus 106, events 98@48000, 20 ms, sendrecv, 203.0.113.140 42110/42110, mux'],
  },
]

describe('what phones offer', () => {
  test('every description of the corpus has its row', () => {
    const names = readdirSync(folder).map(file => file.replace(/\.sdp$/, ''))
    expect(names.filter(name => !table.some(({ phone }) => phone === name))).toEqual([])
    expect(names.length).toBeGreaterThanOrEqual(25)
  })

  test.each(table)('$phone $local', ({ phone, local, expected }) => {
    expect(summary(answerOffer(read(phone), localMedia(local)))).toEqual(expected)
  })

  test.each(readdirSync(folder))('%s survives reading and writing', file => {
    const first = parseSdp(readFileSync(join(folder, file), 'utf8'))
    expect(parseSdp(writeSdp(first))).toEqual(first)
  })
})
