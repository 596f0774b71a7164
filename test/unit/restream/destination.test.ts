import { describe, expect, test } from 'vitest'
import { GatewayError } from '../../../src/errors.ts'
import { restreamSchema } from '../../../src/restream/config.ts'
import { parseDestination } from '../../../src/restream/destination.ts'

const config = restreamSchema.parse({})

describe('services', () => {
  test.each([
    [
      'youtube:ab12-cd34',
      'rtmps://a.rtmps.youtube.com:443/live2/ab12-cd34',
      'rtmps://b.rtmps.youtube.com:443/live2?backup=1/ab12-cd34',
    ],
    [
      'facebook:FB-1-0-Ab?s_bl=1&a=x',
      'rtmps://rtmp-api.facebook.com:443/rtmp/FB-1-0-Ab?s_bl=1&a=x',
      undefined,
    ],
    ['twitch:live_1_aB', 'rtmps://ingest.global-contribute.live-video.net:443/app/live_1_aB', undefined],
    ['YouTube:KEY', 'rtmps://a.rtmps.youtube.com:443/live2/KEY', expect.anything()],
  ])('%s', (text, url, backup) => {
    const found = parseDestination(text, config)!
    expect(found.url.href).toBe(url)
    expect(found.backup?.href).toEqual(backup)
    expect(found.label).toMatch(/^[a-z]+:\*\*\*$/)
  })

  test('their addresses are configured', () => {
    const own = restreamSchema.parse({
      profiles: { youtube: { url: 'rtmp://127.0.0.1:1935/yt/', backup: null } },
    })
    const { url, backup, profile } = parseDestination('youtube:KEY', own)!
    expect([url.href, backup, profile.name]).toEqual(['rtmp://127.0.0.1:1935/yt/KEY', undefined, 'youtube'])
  })

  test.each(['http://127.0.0.1/live', 'rtmp://127.0.0.1', 'rtmp://127.0.0.1/app#x', ''])(
    '%s is no address of one',
    url => {
      expect(restreamSchema.safeParse({ profiles: { twitch: { url } } }).success).toBe(false)
    },
  )

  test.each([
    'youtube:',
    'twitch:a b',
    'facebook:a#b',
    'youtube:rtmp://host/SECRETKEY',
    'twitch:\nSECRETKEY',
  ])('%j is refused without the key', text => {
    expect(() => parseDestination(text, config)).toThrow(GatewayError)
    expect(() => parseDestination(text, config)).not.toThrow(/SECRETKEY/)
  })
})

describe('any server with a profile', () => {
  test('a plain URL has none', () => {
    expect(parseDestination('rtmp://host/app/key', config)).toBeUndefined()
    expect(parseDestination('out.flv', config)).toBeUndefined()
    expect(parseDestination('stream:youtube', config)).toBeUndefined()
  })
  test('wishes stand behind #, and do not get to the server', () => {
    const found = parseDestination(
      'rtmp://host/app/KEY?a=b#profile=twitch&keyframes=4&kbps=100-900&audio=source&backup=rtmp://b/app/KEY',
      config,
    )!
    expect(found.url.href).toBe('rtmp://host/app/KEY?a=b')
    expect(found.backup?.href).toBe('rtmp://b/app/KEY')
    expect(found.label).not.toContain('KEY')
    expect(found.profile).toMatchObject({
      name: 'twitch',
      keyframeMs: 4000,
      needsAudio: false,
      rates: [{ height: 0, minKbps: 100, maxKbps: 900 }],
    })
  })
  test.each([
    ['profile=vimeo', 'there is no profile "vimeo"'],
    ['keyframe=2', 'not keyframe'],
    ['keyframes=0', 'above 0'],
    ['kbps=900', 'MIN-MAX'],
    ['audio=no', 'always or source'],
    ['backup=http://x/', 'rtmp: or rtmps:'],
  ])('%s is refused', (wishes, sentence) => {
    expect(() => parseDestination(`rtmp://host/app/key#${wishes}`, config)).toThrow(sentence)
  })
})
