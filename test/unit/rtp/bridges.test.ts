/** Plain RTP through a whole gateway: what its API tells of the other end, and a multicast group in between. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TrackWriter } from '../../../src/core/types.ts'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import type { BridgeView, PeerView } from '../../../src/http/schemas/bridge.ts'
import { picture, vp8 } from '../../helpers/core-media.ts'
import { until } from '../../helpers/program.ts'
import { freePairs } from '../../helpers/rtp-gateway.ts'

const folder = mkdtempSync(join(tmpdir(), 'crosspoint-rtp-api-'))
const closed = { listen: null }
let gateway: Gateway
let http = ''
let video: TrackWriter<'frame'>
let stop = (): void => undefined
beforeAll(async () => {
  gateway = await createGateway({
    http: { listen: { host: '127.0.0.1', port: 0 } },
    ...{ rtmp: closed, webrtc: closed, log: { level: 'silent' } },
    recordings: { directory: folder },
  })
  http = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  const publication = gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
  video.clock.anchor({ ts: 0, wall: Date.now() * 1000, from: 'arrival' })
  publication.ready()
  let next = 0
  const timer = setInterval(() => video.write(picture(next++, vp8, 5)), 10)
  stop = () => clearInterval(timer)
})
afterAll(async () => {
  stop()
  await gateway.close()
  rmSync(folder, { recursive: true })
})

const post = async (from: string, to: string): Promise<{ status: number; body: unknown }> => {
  const response = await fetch(`${http}/v1/bridges`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from, to: [to] }),
  })
  return { status: response.status, body: await response.json() }
}
const open = async (from: string, to: string): Promise<BridgeView> => {
  const { status, body } = await post(from, to)
  expect({ status, body }).toMatchObject({ status: 201 })
  return body as BridgeView
}
const look = async (id: string): Promise<BridgeView> =>
  (await (await fetch(`${http}/v1/bridges/${id}`)).json()) as BridgeView

test('whoever opens a destination is told its key; others see that there is one', async () => {
  const port = await freePairs(2)
  const { id, legs } = await open(
    'stream:live/cam',
    `rtp://127.0.0.1:${port}?sdp=out.sdp&srtp=AES_CM_128_HMAC_SHA1_80`,
  )
  const peer = legs[0]!.peer as PeerView
  expect(peer.does).toBe('receive')
  expect(readFileSync(join(folder, 'out.sdp'), 'utf8')).toBe(peer.sdp)
  const key = /inline:([A-Za-z0-9+/]{40})/.exec(peer.sdp!)![1]!
  const seen = await look(id)
  expect(seen.legs[0]!.peer!.sdp).toBe(peer.sdp!.replace(key, '***'))
  const text = JSON.stringify(seen)
  expect(text).not.toContain(key)
  expect(text).not.toContain(Buffer.from(key, 'base64').toString('hex'))
  expect(peer.commands.map(({ line }) => line).join()).toContain(Buffer.from(key, 'base64').toString('hex'))
})

test('a description is written beneath the recordings directory only', async () => {
  const port = await freePairs(2)
  const { status } = await post('stream:live/cam', `rtp://127.0.0.1:${port}?sdp=../outside.sdp`)
  expect(status).toBeGreaterThanOrEqual(400)
  expect(existsSync(join(folder, '..', 'outside.sdp'))).toBe(false)
})

test('a source tells who is to send, also one described in the request itself', async () => {
  const port = await freePairs(2)
  const { source } = await open(`rtp://127.0.0.1:${port}?video=vp8`, 'stream:rtp/url')
  expect(source!.peer).toMatchObject({
    does: 'send',
    sdp: expect.stringContaining(`m=video ${port} RTP/AVP 96`),
  })
  const other = await freePairs(1)
  const sdp = `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${other} RTP/AVP 0\r\n`
  const described = await open(`data:application/sdp,${encodeURIComponent(sdp)}`, 'stream:rtp/described')
  const lines = described.source!.peer!.commands.map(({ line }) => line)
  expect(lines[0]).toContain(`rtp://127.0.0.1:${other}?pkt_size=1200`)
  expect(lines[1]).toContain('rtppcmupay pt=0')
})

test('who is to send is told before anything has come', async () => {
  const port = await freePairs(1)
  const { id, source, legs } = await open(`rtp://127.0.0.1:${port}?codec=opus`, 'late.flv')
  expect(source!.peer!.commands[0]!.line).toContain('-c:a libopus')
  // Not 'backoff': it was not waited for.
  expect(legs[0]).toMatchObject({ state: 'connecting', plan: null })
  expect((await fetch(`${http}/v1/bridges/${id}`, { method: 'DELETE' })).status).toBe(204)
})

test('a group between two bridges: sent once, received as a stream', async () => {
  const port = await freePairs(1)
  const group = `239.255.${port >> 8}.${port & 255}:${port}`
  await open(`rtp://${group}?video=vp8&interface=127.0.0.1`, 'stream:rtp/group')
  const { legs } = await open('stream:live/cam', `rtp://${group}?video=vp8&interface=127.0.0.1&ttl=0`)
  expect(legs[0]!.peer!.sdp).toContain(`c=IN IP4 ${group.split(':')[0]}/0`)
  await until('the stream', () => gateway.registry.find('rtp/group')?.state === 'ready')
  expect(gateway.registry.find('rtp/group')!.tracks[0]!.params.codec).toBe('vp8')
})
