import { describe, expect, test } from 'vitest'
import { joinPath, parseRtmpUrl } from '../../../src/adapters/rtmp/url.ts'

describe('paths that clients send', () => {
  test.each([
    ['live', 'cam', 'live/cam', {}],
    ['live/', '/cam', 'live/cam', {}],
    ['live', 'room/a', 'live/room/a', {}],
    ['live/room', 'a', 'live/room/a', {}],
    ['live/room/a', '', 'live/room/a', {}],
    ['live', 'cam?user=u&pass=p', 'live/cam', { user: 'u', pass: 'p' }],
    ['live?user=u&pass=p', 'cam', 'live/cam', { user: 'u', pass: 'p' }],
    ['live?token=a%2Fb', 'cam', 'live/cam', { token: 'a/b' }],
    ['', 'cam', 'fromtc/cam', {}],
    ['../x', '..', '../x/..', {}],
  ])('%s + %s is %s', (app, key, stream, credentials) => {
    expect(joinPath(app, 'rtmp://host/fromtc', key)).toEqual({ stream, ...credentials })
  })

  test('neither app nor tcUrl', () => {
    expect(joinPath(undefined, undefined, 'cam').stream).toBe('cam')
    expect(joinPath(undefined, 'rtmp://host', 'cam').stream).toBe('cam')
  })
})

describe('URLs that we dial', () => {
  const split = (url: string): unknown => {
    const { secure, host, port, app, key, tcUrl } = parseRtmpUrl(new URL(url))
    return [secure, host, port, app, key, tcUrl]
  }
  test.each([
    [
      'rtmp://a.rtmp.youtube.com/live2/abcd-1234',
      [false, 'a.rtmp.youtube.com', 1935, 'live2', 'abcd-1234', 'rtmp://a.rtmp.youtube.com/live2'],
    ],
    [
      'rtmp://b.rtmp.youtube.com/live2?backup=1/abcd-1234',
      [
        false,
        'b.rtmp.youtube.com',
        1935,
        'live2?backup=1',
        'abcd-1234',
        'rtmp://b.rtmp.youtube.com/live2?backup=1',
      ],
    ],
    [
      'rtmps://live-api-s.facebook.com:443/rtmp/FB-1-0-Ab?s_bl=1&a=x/y',
      [
        true,
        'live-api-s.facebook.com',
        443,
        'rtmp',
        'FB-1-0-Ab?s_bl=1&a=x/y',
        'rtmps://live-api-s.facebook.com:443/rtmp',
      ],
    ],
    [
      'rtmp://live-fra.twitch.tv/app/live_1_x?bandwidthtest=true',
      [
        false,
        'live-fra.twitch.tv',
        1935,
        'app',
        'live_1_x?bandwidthtest=true',
        'rtmp://live-fra.twitch.tv/app',
      ],
    ],
    [
      'rtmp://127.0.0.1:1936/live/room/a',
      [false, '127.0.0.1', 1936, 'live', 'room/a', 'rtmp://127.0.0.1:1936/live'],
    ],
    ['rtmps://[::1]/live/a', [true, '::1', 443, 'live', 'a', 'rtmps://[::1]/live']],
    ['rtmp://h/live/a#b', [false, 'h', 1935, 'live', 'a#b', 'rtmp://h/live']],
  ])('%s', (url, expected) => {
    expect(split(url)).toEqual(expected)
  })

  test.each(['http://h/live/a', 'rtmp://h/live', 'rtmp://h/', 'rtmp://u:secret@h/live/a'])(
    '%s is refused',
    url => {
      expect(() => parseRtmpUrl(new URL(url))).toThrow(/^The URL is not valid: (?!.*secret)/)
    },
  )

  test('what is shown to people has no key in it', () => {
    expect(parseRtmpUrl(new URL('rtmp://h/live2?x=1/KEY')).label).toBe('rtmp://h/live2')
    expect(parseRtmpUrl(new URL('rtmp://h/live2/KEY?a=b')).label).toBe('rtmp://h/live2')
  })
})
