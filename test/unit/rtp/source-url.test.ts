/** Sources told by a URL: what is read of it, and what is refused by name. */
import { describe, expect, test } from 'vitest'
import { rtpConfig } from '../../../src/adapters/rtp/config.ts'
import { parseRtpUrl } from '../../../src/adapters/rtp/url.ts'

const config = rtpConfig.parse({})
const parse = (text: string) => parseRtpUrl(new URL(text), config)
const lineOf = (text: string) => parse(text).lines[0]!
const SPROP = 'Z0LAHtkD,aMuDyyA='
const KEY = Buffer.alloc(30, 0xfb).toString('base64')

describe('one stream', () => {
  test.each([
    ['h264', 96, 90_000, 'video'],
    ['h265', 96, 90_000, 'video'],
    ['vp8', 96, 90_000, 'video'],
    ['vp9', 96, 90_000, 'video'],
    ['av1', 96, 90_000, 'video'],
    ['opus', 97, 48_000, 'audio'],
    ['aac', 97, 48_000, 'audio'],
    ['pcmu', 0, 8000, 'audio'],
    ['pcma', 8, 8000, 'audio'],
    ['g722', 9, 8000, 'audio'],
    ['l16', 97, 48_000, 'audio'],
    ['mp2t', 33, 90_000, 'transport stream'],
  ])('%s has payload type %i and a clock of %i', (codec, payloadType, clockRate, name) => {
    const line = lineOf(`rtp://0.0.0.0:5004?codec=${codec}`)
    expect(line).toMatchObject({ name, host: '0.0.0.0', port: 5004, rtcpPort: undefined, feedback: [] })
    expect(line.formats.map(({ format }) => format)).toEqual([{ payloadType, codec, clockRate }])
  })

  test('its numbers, parameters and ports may be given', () => {
    const line = lineOf('rtp://127.0.0.1:5004?codec=l16&pt=11&clock=44100&channels=1&rtcp-port=6000')
    expect(line).toMatchObject({ rtcpPort: 6000, formats: [{ params: { clockRate: 44_100, channels: 1 } }] })
    expect(lineOf('rtp://127.0.0.1:5004?codec=pcmu&mux').rtcpPort).toBeNull()
    expect(lineOf('rtp://127.0.0.1:5004?codec=vp8&feedback=pli,fir,nack').feedback).toEqual([
      'nack pli',
      'ccm fir',
      'nack',
    ])
  })

  test('parameter sets, by sprop or fmtp', () => {
    const sps = new Uint8Array(Buffer.from('Z0LAHtkD', 'base64'))
    for (const query of [`sprop=${SPROP}`, `fmtp=packetization-mode%3D1;sprop-parameter-sets%3D${SPROP}`]) {
      const [format] = lineOf(`rtp://0.0.0.0:5004?codec=h264&${query}`).formats
      expect(format!.params).toMatchObject({ codec: 'h264', sps })
      expect(format!.packetizationMode).toBe(1)
    }
    const single = lineOf('rtp://0.0.0.0:5004?codec=h264&fmtp=packetization-mode=0').formats[0]
    expect(single!.packetizationMode).toBe(0)
  })

  test('AAC by its rate and channels, or its config', () => {
    const params = (query: string) => lineOf(`rtp://0.0.0.0:5004?codec=aac&${query}`).formats[0]!.params
    expect(params('clock=44100&channels=2')).toMatchObject({
      clockRate: 44_100,
      channels: 2,
      config: Uint8Array.of(0x12, 0x10),
    })
    expect(params('clock=48000&fmtp=config=1188')).toMatchObject({ channels: 1 })
  })
})

describe('two streams', () => {
  test('the second is two ports above, behind the RTCP of the first', () => {
    const { lines } = parse('rtp://127.0.0.1:5004?video=h264&audio=opus&audio-pt=111')
    expect(lines.map(({ name, port }) => [name, port])).toEqual([
      ['video', 5004],
      ['audio', 5006],
    ])
    expect(lines[1]!.formats[0]!.format.payloadType).toBe(111)
  })

  test('or where it is said to be', () => {
    const { lines } = parse('rtp://127.0.0.1:5004?video=vp8&video-pt=100&audio=pcma&audio-port=7000')
    expect(lines.map(({ port }) => port)).toEqual([5004, 7000])
  })
})

describe('addresses', () => {
  test('IPv6, and multicast with interface and sender', () => {
    expect(lineOf('rtp://[::1]:5004?codec=pcmu').host).toBe('::1')
    expect(lineOf('rtp://239.1.2.3:5004?codec=pcmu&interface=eth0&source=10.0.0.5').multicast).toEqual({
      group: '239.1.2.3',
      interface: 'eth0',
      source: '10.0.0.5',
    })
    expect(lineOf('rtp://[ff15::1]:5004?codec=pcmu').multicast).toEqual({ group: 'ff15::1' })
  })

  test('who may send, who is said to, how long a silence is borne', () => {
    const { options } = parse(
      'rtp://0.0.0.0:5004?codec=pcmu&allow=10.0.0.0/8,::1&peer=10.0.0.7:4000&latch=off&timeout=2.5&payload=1200',
    )
    expect(options).toEqual({
      allow: ['10.0.0.0/8', '::1'],
      remote: { address: '10.0.0.7', port: 4000 },
      latch: 'off',
      timeoutMs: 2500,
      maxPayload: 1200,
    })
    const quiet = parseRtpUrl(
      new URL('rtp://0.0.0.0:5004?codec=pcmu'),
      rtpConfig.parse({ allow: ['10.1.0.0/16'] }),
    )
    expect(quiet.options).toMatchObject({ allow: ['10.1.0.0/16'], timeoutMs: 10_000, latch: 'auto' })
  })

  test('a key, as in a=crypto, plus signs and all', () => {
    const { sdes } = lineOf(`rtp://0.0.0.0:5004?codec=pcmu&srtp=AES_CM_128_HMAC_SHA1_80:${KEY}`)
    expect(sdes).toMatchObject({ suite: 'AES_CM_128_HMAC_SHA1_80' })
    expect(Buffer.from(sdes!.remote)).toEqual(Buffer.alloc(30, 0xfb))
  })
})

test.each([
  ['rtp://0.0.0.0:5004', 'what comes must be said: codec='],
  ['rtp://0.0.0.0:5004?codec=h263', 'there is no codec h263; known are h264,'],
  ['rtp://0.0.0.0:5004?codec=h264&audio=opus', 'codec is for one stream alone'],
  ['rtp://0.0.0.0:5004?codec=pcmu&pty=3', 'there is no option pty; known are codec,'],
  ['rtp://0.0.0.0:5004?codec=pcmu&pt=128', 'pt is a number from 0 to 127, not 128'],
  ['rtp://0.0.0.0?codec=pcmu', 'needs a port'],
  ['rtp://0.0.0.0:5004/live/cam?codec=pcmu', 'has no path /live/cam'],
  ['rtp://camera.example:5004?codec=pcmu', 'camera.example is not an IP address to listen on'],
  ['rtp://0.0.0.0:5004?codec=pcmu&source=10.0.0.1', 'are for multicast groups'],
  ['rtp://0.0.0.0:5004?codec=pcmu&allow=camera', 'allow: camera is not an IP address'],
  ['rtp://0.0.0.0:5004?codec=pcmu&peer=camera', 'peer is IP, IP:PORT or [IPv6]:PORT'],
  ['rtp://0.0.0.0:5004?codec=pcmu&latch=maybe', 'latch is off, auto or on'],
  ['rtp://0.0.0.0:5004?codec=pcmu&timeout=soon', 'timeout is a number of seconds'],
  ['rtp://0.0.0.0:5004?codec=pcmu&mux=perhaps', 'mux is true or false'],
  ['rtp://0.0.0.0:5004?codec=vp8&feedback=remb', 'feedback is any of pli, fir, nack'],
  ['rtp://0.0.0.0:5004?codec=pcmu&srtp=AES:short', 'srtp is AES_CM_128_HMAC_SHA1_80 or'],
  ['rtp://0.0.0.0:5004?codec=vp8&sprop=AAAA', 'sprop holds the parameter sets of h264'],
  ['rtp://0.0.0.0:5004?codec=h264&fmtp=packetization-mode=2', 'packetization-mode 2'],
])('%s is refused: %s', (text, reason) => expect(() => parse(text)).toThrow(reason))
