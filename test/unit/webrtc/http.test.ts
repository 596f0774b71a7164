import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Access } from '../../../src/adapters/adapter.ts'
import { GatewayError } from '../../../src/errors.ts'
import { startWebRtcGateway, type WebRtcGateway } from '../../helpers/webrtc-gateway.ts'
import { TestPeer } from '../../helpers/webrtc-peer.ts'

const obs = readFileSync(join(import.meta.dirname, '../../fixtures/sdp/obs-publish.sdp'), 'utf8')
const view = readFileSync(join(import.meta.dirname, '../../fixtures/sdp/chromium-view.sdp'), 'utf8')

let gateway: WebRtcGateway
let asked: Access[]
let deny: GatewayError | undefined
beforeEach(async () => {
  asked = []
  deny = undefined
  gateway = await startWebRtcGateway({
    authorize: async access => {
      asked.push(access)
      if (deny !== undefined) throw deny
    },
  })
})
afterEach(() => gateway[Symbol.asyncDispose]())

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gateway.origin + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/sdp', ...headers },
  })
const patch = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(gateway.origin + path, {
    method: 'PATCH',
    body,
    headers: { 'content-type': 'application/trickle-ice-sdpfrag', ...headers },
  })
const problemOf = async (response: Response): Promise<{ code: string; detail: string }> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  return response.json()
}

describe('WHIP as OBS wants it', () => {
  test('201 with an SDP answer, a Location that is a path, an entity tag', async () => {
    const response = await post('/whip/live/cam', obs)
    expect(response.status).toBe(201)
    expect(response.headers.get('content-type')).toBe('application/sdp')
    expect(response.headers.get('location')).toMatch(/^\/webrtc\/sessions\/[\w-]{24}$/)
    expect(response.headers.get('etag')).toMatch(/^".+"$/)
    expect(await response.text()).toContain(`127.0.0.1 ${gateway.udpPort} typ host`)
    expect(gateway.registry.find('live/cam')).toMatchObject({
      state: 'announced',
      publisher: 'whip 127.0.0.1',
    })
  })

  test('DELETE ends the session and frees the name; a second one finds nothing', async () => {
    const location = (await post('/whip/live/cam', obs)).headers.get('location')!
    const remove = (): Promise<Response> => fetch(gateway.origin + location, { method: 'DELETE' })
    expect((await remove()).status).toBe(200)
    expect(gateway.registry.find('live/cam')).toBeUndefined()
    expect((await remove()).status).toBe(404)
    expect((await post('/whip/live/cam', obs)).status).toBe(201)
  })

  test.each(['DELETE', 'PATCH'])('%s wants what the session was made with', async method => {
    const owner = { authorization: 'Bearer mine' }
    const location = (await post('/whip/live/cam', obs, owner)).headers.get('location')!
    const change = (headers: Record<string, string>): Promise<Response> =>
      fetch(gateway.origin + location, {
        method,
        headers: { 'content-type': 'application/trickle-ice-sdpfrag', ...headers },
        ...(method === 'PATCH' && { body: '' }),
      })
    expect((await change({})).status).toBe(401)
    expect((await change({ authorization: 'Bearer yours' })).status).toBe(401)
    expect(gateway.registry.find('live/cam')).toBeDefined()
    expect((await change(owner)).ok).toBe(true)
  })

  test('OPTIONS says what may be posted', async () => {
    const response = await fetch(`${gateway.origin}/whip/live/cam`, { method: 'OPTIONS' })
    expect(response.status).toBe(204)
    expect(response.headers.get('accept-post')).toBe('application/sdp')
  })

  test('the bearer token, the name and the peer reach the authorisation', async () => {
    await post('/whip/live/cam', obs, { authorization: 'Bearer s3cret' })
    expect(asked).toEqual([
      { action: 'publish', stream: 'live/cam', protocol: 'whip', remote: '127.0.0.1', token: 's3cret' },
    ])
  })

  test('nothing is made for who may not publish', async () => {
    deny = new GatewayError('unauthorized', 'who are you')
    expect((await post('/whip/live/cam', obs)).status).toBe(401)
    expect(gateway.registry.list()).toEqual([])
  })

  test('two sessions have nothing in common', async () => {
    const [a, b] = await Promise.all([post('/whip/a', obs), post('/whip/b', obs)])
    const secrets = async (response: Response): Promise<string[]> =>
      [...(await response.text()).matchAll(/^(?:a=ice-(?:ufrag|pwd)|o=-).*$/gm)].map(([line]) => line)
    const [first, second] = [await secrets(a), await secrets(b)]
    expect(first.filter(line => second.includes(line))).toEqual([])
    expect(a.headers.get('location')).not.toBe(b.headers.get('location'))
  })
})

describe('refusals are one short sentence with a code', () => {
  test.each([
    ['a body that is no SDP', '/whip/a', '{"sdp":1}', {}, 400, 'malformed'],
    ['an empty body', '/whip/a', '', {}, 400, 'malformed'],
    [
      'another content type',
      '/whip/a',
      obs,
      { 'content-type': 'application/json' },
      415,
      'unsupported-media-type',
    ],
    ['a name that climbs', '/whip/..%2f..%2fetc', obs, {}, 400, 'bad-name'],
    ['an offer that sends nothing', '/whip/a', view, {}, 400, 'bad-request'],
    [
      'codecs nobody knows',
      '/whip/a',
      obs.replace('H264', 'X').replace('opus/48000', 'Y/1'),
      {},
      406,
      'no-common-codec',
    ],
    [
      'a fingerprint of the wrong length',
      '/whip/a',
      obs.replace(/sha-256 ..:/, 'sha-256 '),
      {},
      400,
      'bad-request',
    ],
    ['a viewer of a stream that is not live', '/whep/nobody', view, {}, 404, 'stream-offline'],
    ['a viewer that receives nothing', '/whep/nobody', obs, {}, 400, 'bad-request'],
  ])('%s', async (_, path, body, headers, status, code) => {
    const response = await post(path, body, headers)
    expect(response.status).toBe(status)
    expect((await problemOf(response)).code).toBe(code)
    expect(gateway.registry.list()).toEqual([])
  })

  test('a name that is taken', async () => {
    await post('/whip/live/cam', obs)
    const response = await post('/whip/live/cam', obs)
    expect(response.status).toBe(409)
    expect((await problemOf(response)).detail).toMatch(
      /live\/cam by whip 127\.0\.0\.1 was heard \d+ ms ago; others may replace it after 2000 ms of silence/,
    )
    expect(response.headers.get('retry-after')).toBe('2')
  })

  test('a viewer that has no codec of the stream is told both sides', async () => {
    await using peer = new TestPeer({ direction: 'sendonly' })
    await peer.post(`${gateway.origin}/whip/live/cam`)
    await peer.connect()
    const vp8 = view.replaceAll('H264/90000', 'X/90000').replaceAll('opus/48000', 'Y/48000')
    const response = await post('/whep/live/cam', vp8)
    expect([406, 503]).toContain(response.status)
    expect((await problemOf(response)).detail).toMatch(/h264.*vp8/i)
  })
})

describe('PATCH', () => {
  const fragment = (ufrag: string): string =>
    `a=ice-ufrag:${ufrag}\r\na=ice-pwd:ezjAjgSSLLvbRhUA1zc6Se\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=candidate:1 1 udp 1 192.0.2.7 5000 typ host\r\na=end-of-candidates\r\n`

  test('a trickled candidate is taken, with or without the right entity tag', async () => {
    const created = await post('/whip/live/cam', obs)
    const location = created.headers.get('location')!
    const etag = created.headers.get('etag')!
    expect((await patch(location, fragment('nxcM'))).status).toBe(204)
    expect((await patch(location, fragment('nxcM'), { 'if-match': etag })).status).toBe(204)
    expect((await patch(location, fragment('nxcM'), { 'if-match': '"other"' })).status).toBe(412)
    expect((await patch(location, fragment('nxcM'), { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await patch(location, 'm=broken\r\n')).status).toBe(400)
  })

  test('an ICE restart is refused by name, and the session stays', async () => {
    const location = (await post('/whip/live/cam', obs)).headers.get('location')!
    const response = await patch(location, fragment('fresh'), { 'if-match': '*' })
    expect((await problemOf(response)).code).toBe('not-implemented')
    expect((await patch(location, fragment('nxcM'))).status).toBe(204)
  })

  test('a session that never was', async () => {
    expect((await patch('/webrtc/sessions/nothing', fragment('nxcM'))).status).toBe(404)
  })
})
