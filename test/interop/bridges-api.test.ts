/** The HTTP API against a running gateway: bridges, recordings, and what it refuses. */
import { mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  findStream,
  post,
  publishTestSource,
  type Server,
  startServer,
  untilLive,
} from '../helpers/crosspoint.ts'
import { probe } from '../helpers/flv.ts'
import { freePort, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { freePairs } from '../helpers/rtp-gateway.ts'

interface Leg {
  readonly to: string
  readonly state: string
  readonly bytes: number
  readonly plan?: {
    readonly tracks: readonly { readonly codec: string; readonly steps: readonly { op: string }[] }[]
  }
}
interface BridgeView {
  readonly id: string
  readonly from: string
  readonly stream: string
  readonly state: string
  readonly legs: readonly Leg[]
}

let folder: string
let server: Server
/** The answer of a gateway that waits ten seconds for a publisher: asked for at once. */
let offline: Promise<Response>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crosspoint-api-'))
  server = await startServer(['--recordings', join(folder, 'recordings')])
  publishTestSource({ url: `${server.rtmp}/live/cam` })
  offline = open('stream:live/none', 'none.flv')
  await untilLive(server.http, 'live/cam')
})
afterAll(async () => {
  await stopPrograms()
  await rm(folder, { recursive: true })
})

const open = (from: string | { readonly sdp: string }, ...to: string[]): Promise<Response> =>
  post(`${server.http}/v1/bridges`, { from, to })
const opened = async (from: string | { readonly sdp: string }, ...to: string[]): Promise<BridgeView> => {
  const response = await open(from, ...to)
  expect(response.status).toBe(201)
  const bridge = (await response.json()) as BridgeView
  expect(response.headers.get('location')).toBe(`/v1/bridges/${bridge.id}`)
  return bridge
}
const close = async (id: string): Promise<number> =>
  (await fetch(`${server.http}/v1/bridges/${id}`, { method: 'DELETE' })).status

test('a stream is described by its tracks, numbers included', async () => {
  await until('numbers', async () => {
    const stream = (await findStream(server.http, 'live/cam')) as {
      tracks: { stats: { framesPerSecond: number } }[]
    }
    return Math.abs(stream.tracks[0]!.stats.framesPerSecond - 30) < 3
  })
  expect(await findStream(server.http, 'live/cam')).toMatchObject({
    name: 'live/cam',
    state: 'ready',
    publisher: expect.stringMatching(/^rtmp 127\.0\.0\.1/),
    tracks: [
      { id: 'video', kind: 'video', codec: 'h264', form: 'frame', width: 640, height: 360 },
      { id: 'audio', kind: 'audio', codec: 'aac', form: 'frame', channels: 2, sampleRate: 44_100 },
    ],
  })
  const { streams } = (await (await fetch(`${server.http}/v1/streams`)).json()) as {
    streams: { name: string }[]
  }
  expect(streams.map(({ name }) => name)).toContain('live/cam')
})

test('a bridge relays to another RTMP door and shows its plan without keys', async () => {
  const bridge = await opened('stream:live/cam', `${server.rtmp}/live/copy?token=SECRET`)
  expect(JSON.stringify(bridge)).not.toContain('SECRET')
  expect(bridge).toMatchObject({ from: 'stream:live/cam', state: 'live', legs: [{ state: 'live' }] })
  expect(bridge.legs[0]!.plan!.tracks.map(({ steps }) => steps)).toEqual([[{ op: 'copy' }], [{ op: 'copy' }]])
  await untilLive(server.http, 'live/copy')
  const { bridges } = (await (await fetch(`${server.http}/v1/bridges`)).json()) as { bridges: BridgeView[] }
  expect(bridges.map(({ id }) => id)).toContain(bridge.id)
  expect(await close(bridge.id)).toBe(204)
  await until(
    'the copy has ended',
    async () => (await findStream(server.http, 'live/copy')) === undefined,
    20_000,
  )
})

test('a pulled source becomes a stream of the name it is given', async () => {
  const bridge = await opened(`${server.http}/live/cam.flv`, 'stream:pulled/one')
  expect(bridge.stream).toBe('pulled/one')
  await untilLive(server.http, 'pulled/one')
  expect(await close(bridge.id)).toBe(204)
  await until('it has ended', async () => (await findStream(server.http, 'pulled/one')) === undefined, 20_000)
})

test('a recording is a bridge to a file name under the recordings directory, and plays again from there', async () => {
  const beganMs = performance.now()
  const bridge = await opened('stream:live/cam', 'monday/one.flv')
  const path = join(folder, 'recordings/monday/one.flv')
  await until(
    'two seconds are recorded',
    async () =>
      (await probe(path).catch(() => undefined))?.packets.some(({ ptsMs }) => ptsMs > 2000) === true,
  )
  expect(await close(bridge.id)).toBe(204)
  // It may begin with the pictures since the last key frame; two seconds were seen before it was told to end.
  const { durationS } = await probe(path)
  expect(durationS).toBeGreaterThan(1.5)
  expect(durationS).toBeLessThan((performance.now() - beganMs) / 1000 + 2)
  const replay = await opened('monday/one.flv', 'stream:replay/one')
  await untilLive(server.http, 'replay/one')
  expect(await close(replay.id)).toBe(204)
})

test('each line of the log names its bridge once', async () => {
  const { id } = await opened('stream:live/cam', 'logged.flv')
  expect(await close(id)).toBe(204)
  const lines = (): string[] =>
    server.program
      .output()
      .split('\n')
      .filter(line => line.includes(`"bridge":"${id}"`))
  await until('its end is logged', () => lines().some(line => line.includes('bridge ended')))
  for (const line of lines()) expect(line.match(/"bridge":/g)).toHaveLength(1)
})

test('one destination that fails leaves the other alone', async () => {
  const port = await freePort()
  const bridge = await opened('stream:live/cam', `rtmp://127.0.0.1:${port}/live/KEY`, 'alone.flv')
  expect(bridge.legs[1]).toMatchObject({ state: 'live' })
  expect(bridge.legs[0]!.state).not.toBe('live')
  expect(JSON.stringify(bridge)).not.toContain('KEY')
  expect(await close(bridge.id)).toBe(204)
})

test('one destination is stopped while the others go on; with the last the bridge ends', async () => {
  const { id } = await opened('stream:live/cam', `${server.rtmp}/live/leg`, 'leg.flv')
  const stop = async (place: string): Promise<number> =>
    (await fetch(`${server.http}/v1/bridges/${id}/legs/${place}`, { method: 'DELETE' })).status
  const now = async (): Promise<BridgeView> =>
    (await (await fetch(`${server.http}/v1/bridges/${id}`)).json()) as BridgeView
  await untilLive(server.http, 'live/leg')
  expect([await stop('2'), await stop('x'), await stop('-1')]).toEqual([404, 404, 404])
  expect(await stop('0')).toBe(204)
  const { state, legs } = await now()
  expect([state, ...legs.map(leg => leg.state)]).toEqual(['live', 'ended', 'live'])
  await until('its stream has ended', async () => (await findStream(server.http, 'live/leg')) === undefined)
  await until('the other goes on', async () => (await now()).legs[1]!.bytes > legs[1]!.bytes)
  // Again: it is stopped already.
  expect([await stop('0'), await stop('1'), await stop('1')]).toEqual([204, 204, 204])
  expect(await now()).toMatchObject({ state: 'ended', reason: expect.stringContaining('closed on request') })
  expect(await close(id)).toBe(204)
  expect(await stop('0')).toBe(404)
  const named = await opened(`${server.http}/live/cam.flv`, 'stream:leg/named', 'named.flv')
  const refused = await fetch(`${server.http}/v1/bridges/${named.id}/legs/0`, { method: 'DELETE' })
  expect([refused.status, ((await refused.json()) as { detail: string }).detail]).toEqual([
    400,
    expect.stringContaining('ends with the bridge'),
  ])
  expect(await close(named.id)).toBe(204)
})

describe('refused', () => {
  test.each([
    ['/etc/passwd.flv'],
    ['../escape.flv'],
    ['a/../../escape.flv'],
    ['%2e%2e/escape.flv'],
    ['file:///tmp/escape.flv'],
    ['C:\\escape.flv'],
    ['-i.flv'],
    ['a\u0000.flv'],
  ])('no file outside the recordings directory is written or read: %j', async name => {
    expect((await open('stream:live/cam', name)).status).toBe(400)
    expect((await open(name, 'stream:x/y')).status).toBe(400)
  })
  test('not over a link either', async () => {
    await symlink(folder, join(folder, 'recordings/link'))
    const response = await open('stream:live/cam', 'link/escape.flv')
    expect(response.status).toBe(403)
    expect(await readdir(folder)).toEqual(['recordings'])
  })
  test.each([
    [{ from: 'stream:live/cam' }, 'to'],
    [{ from: 'stream:live/cam', to: [] }, 'to'],
    [{ from: 'stream:live/cam', to: ['a.flv'], exec: 'ls' }, 'exec'],
    [{ from: 'exec:ls', to: ['stream:x'] }, ''],
    [{ from: 'gopher://x/y', to: ['stream:x'] }, 'gopher'],
    [{ from: 'stream:../x', to: ['x.flv'] }, ''],
    [[], ''],
  ])('%j', async (body, named) => {
    const response = await post(`${server.http}/v1/bridges`, body)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.status).toBe(400)
    expect(((await response.json()) as { detail: string }).detail).toContain(named)
  })
  test('a stream that is not live is 404 with its name', async () => {
    const response = await offline
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      code: 'stream-offline',
      detail: expect.stringContaining('live/none'),
    })
  })
  test('what is no JSON, and who is no page of ours', async () => {
    const url = `${server.http}/v1/bridges`
    const body = JSON.stringify({ from: 'stream:live/cam', to: ['evil.flv'] })
    expect(
      (await fetch(url, { method: 'POST', body, headers: { 'content-type': 'text/plain' } })).status,
    ).toBe(400)
    const headers = { 'content-type': 'application/json', origin: 'https://evil.example' }
    expect((await fetch(url, { method: 'POST', body, headers })).status).toBe(403)
  })
  test('an unknown bridge is 404', async () => {
    expect(await close('nope')).toBe(404)
    expect((await fetch(`${server.http}/v1/bridges/nope`)).status).toBe(404)
  })
})

test('RTP is described in the request: the answer comes before the media, with what its sender may run', async () => {
  const port = await freePairs(1)
  const key = Buffer.alloc(30, 7).toString('base64')
  const sdp = [
    ...[
      'v=0',
      'o=- 0 0 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      `m=audio ${port} RTP/SAVP 0`,
    ],
    `a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${key}`,
  ].join('\r\n')
  const asked = performance.now()
  const bridge = await opened({ sdp }, 'described.flv')
  expect(performance.now() - asked).toBeLessThan(9000)
  expect(bridge).toMatchObject({
    from: 'session description',
    state: 'connecting',
    source: { state: 'live', peer: { does: 'send', commands: [{ program: 'ffmpeg' }, {}] } },
  })
  const listed = await (await fetch(`${server.http}/v1/bridges`)).text()
  expect(listed).not.toContain(key)
  const send = `-srtp_out_suite AES_CM_128_HMAC_SHA1_80 -srtp_out_params ${key} -f rtp srtp://127.0.0.1:${port}`
  const sound = '-v error -re -f lavfi -i sine=sample_rate=8000 -t 20 -c:a pcm_mulaw'
  const sender = startProgram('ffmpeg', `${sound} ${send}`.split(' '))
  await until('it is recorded', async () => {
    const answer = await fetch(`${server.http}/v1/bridges/${bridge.id}`)
    return ((await answer.json()) as { legs: { bytes: number }[] }).legs[0]!.bytes > 4000
  })
  await sender.stop()
  expect(await close(bridge.id)).toBe(204)
  const wrong = await open({ sdp: 'v=0\r\nno' }, 'wrong.flv')
  expect(wrong.status).toBe(400)
  expect(await wrong.text()).toContain('SDP')
})
