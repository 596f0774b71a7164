import { expect, test } from 'vitest'
import { createLogger } from '../../../src/observe/logger.ts'
import { maskUrls } from '../../../src/observe/mask-urls.ts'

test.each([
  ['rtmp://a.example/live2/KEY', 'rtmp://a.example/live2/***'],
  ['rtmps://live.example:443/rtmp/KEY/more?s=1&t=2', 'rtmps://live.example:443/rtmp/***?s=***&t=***'],
  ['rtmp://user:pass@host/app', 'rtmp://***@host/app'],
  ['rtmp://user:p@ss@host/app/k', 'rtmp://***@host/app/***'],
  ['https://u:p@h/a/b.flv?token=abc', 'https://***@h/a/b.flv?token=***'],
  ['https://h/a?bare', 'https://h/a?***'],
  ['two: rtmp://a/b/c, and rtmp://d/e/f', 'two: rtmp://a/b/*** and rtmp://d/e/***'],
  ['rtmp://a/b/KEY#profile=youtube&keyframes=2', 'rtmp://a/b/***#profile=youtube&keyframes=2'],
  ['rtmp://a/b/KEY?s=KEY#kbps=300-6000&audio=always', 'rtmp://a/b/***?s=***#kbps=300-6000&audio=always'],
  ['rtmp://a/b/KEY#backup=rtmps://c/d/KEY?t=KEY', 'rtmp://a/b/***#backup=rtmps://c/d/***?t=***'],
  ['rtmp://a/b/KEY#backup=rtmps%3A%2F%2Fc%2Fd%2FKEY', 'rtmp://a/b/***#***'],
  ['rtmp://a/b/KEY#KEY&profile=KEY&kbps=KEY', 'rtmp://a/b/***#***&***&***'],
  ['youtube:KEY-1 and ["twitch:live_KEY?bw=1"]', 'youtube:*** and ["twitch:***"]'],
  ['facebook: takes keys', 'facebook: takes keys'],
  ['no url here', 'no url here'],
])('%s', (text, masked) => {
  expect(maskUrls(text)).toBe(masked)
})

test.each(['json', 'pretty'] as const)('a key never reaches the log (%s)', format => {
  let out = ''
  const log = createLogger({ level: 'debug', format }, { write: text => (out += text) })
  const url = 'rtmp://user:CANARY@host/app/CANARY?sig=CANARY'
  log
    .child({ part: url })
    .warn({ url, nested: { list: [url] }, err: new Error(`refused by ${url}`) }, `pushing to ${url}`)
  expect(out).toContain('rtmp://***@host/app/***')
  expect(out).not.toContain('CANARY')
})

test('what plain RTP is told stays readable, but for its key', () => {
  expect(maskUrls('rtp://0.0.0.0:5004?video=h264&srtp=AES_CM_128_HMAC_SHA1_80:abc&mux')).toBe(
    'rtp://0.0.0.0:5004?video=h264&srtp=***&mux',
  )
  expect(maskUrls('udp://239.1.1.1:5000?program=2')).toBe('udp://239.1.1.1:5000?program=2')
})
