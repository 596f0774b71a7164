/** Recordings that are made by themselves, sources over real RTMP, and a configuration that changes under sessions. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { adapters } from '../../src/adapters/index.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { reloadClasses } from '../../src/config/reload-classes.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { createLogger } from '../../src/observe/logger.ts'
import { makeCertificates } from '../helpers/certificates.ts'
import { clip, packetHashes } from '../helpers/clip.ts'
import { post, publishTestSource } from '../helpers/crosspoint.ts'
import { startHookServer } from '../helpers/hook-server.ts'
import { freePort, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

const anywhere = { listen: '127.0.0.1:0' }
let folder = ''
const gateways: Gateway[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operations-'))
})
afterEach(async () => {
  await stopPrograms()
  await Promise.all(gateways.splice(0).map(gateway => gateway.close()))
  rmSync(folder, { recursive: true, force: true })
})
afterAll(async () => {
  await stopPrograms()
  await certificates[Symbol.asyncDispose]()
})

const certificates = await makeCertificates()
const pair = { cert: certificates.cert, key: certificates.key }

interface Started {
  readonly gateway: Gateway
  readonly http: string
  readonly rtmp: string
  /** The file with these sections in place of its own. */
  fileWith(over: ConfigInput): ConfigInput
  /** Changes the file so, and reads it anew. */
  change(over: ConfigInput): Promise<void>
}
const start = async (over: ConfigInput = {}, lines: string[] = []): Promise<Started> => {
  const base: ConfigInput = {
    ...{ http: anywhere, rtmp: anywhere, webrtc: anywhere },
    recordings: { directory: join(folder, 'recordings') },
    log: { level: 'info', format: 'json' },
  }
  let file: ConfigInput = { ...base, ...over }
  const layers = async () => ({ file, flags: {} })
  const origin = { layers: await layers(), read: layers }
  const log = createLogger({ level: 'info', format: 'json' }, { write: line => lines.push(line) })
  const gateway = await createGateway(file, { log, origin })
  gateways.push(gateway)
  const at = (name: string): string => `127.0.0.1:${gateway.doors.get(name)!.port}`
  return {
    gateway,
    http: `http://${at('http')}`,
    rtmp: `rtmp://${at('rtmp')}`,
    fileWith: next => ({ ...base, ...over, ...next }),
    async change(next) {
      file = { ...base, ...over, ...next }
      await gateway.live.reload()
    },
  }
}
const recordings = (): string[] => {
  const root = join(folder, 'recordings')
  mkdirSync(root, { recursive: true })
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
}
/** fetch sets the Host itself. */
const statusWithHost = (http: string, host: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const asked = request(`${http}/healthz`, { headers: { host } }, answer => {
      answer.resume()
      resolve(answer.statusCode)
    })
    asked.on('error', reject)
    asked.end()
  })
const isReady = (gateway: Gateway, name: string): boolean => gateway.registry.find(name)?.state === 'ready'

describe('recordings by themselves', () => {
  test('a stream that fits is recorded from its beginning to its end, others are not', async () => {
    const { rtmp, gateway, http } = await start({
      recordings: { directory: join(folder, 'recordings'), auto: ['live/**'] },
    })
    const other = publishTestSource({ url: `${rtmp}/other/cam`, size: '160x90', seconds: 5 })
    const publisher = publishTestSource({ url: `${rtmp}/live/cam`, size: '160x90', seconds: 4 })
    await until('it is recorded', async () => {
      const { recordings: list } = await (await fetch(`${http}/v1/recordings`)).json()
      return list.length === 1 && list[0].open
    })
    const [open] = recordings()
    expect(
      (await fetch(`${http}/v1/recordings/${open!.slice(folder.length + 12)}`, { method: 'DELETE' })).status,
    ).toBe(503)
    expect(await publisher.exited).toBe(0)
    await until('it is closed', () => gateway.bridges.list().every(({ state }) => state === 'ended'))
    await other.exited
    expect(recordings()).toHaveLength(1)
    expect(recordings()[0]).toMatch(/recordings\/live\/cam\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z\.flv$/)
    const hashes = await packetHashes(recordings()[0]!)
    expect(hashes.filter(line => line.startsWith('0')).length).toBeGreaterThanOrEqual(118)
    await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', recordings()[0]!, '-f', 'null', '-'])
  })

  test('without room none begins, with the reason in the answer and once in the log', async () => {
    const lines: string[] = []
    const config = { directory: join(folder, 'recordings'), minFreeBytes: Number.MAX_SAFE_INTEGER }
    const { rtmp, http, gateway, change } = await start(
      { recordings: { ...config, auto: ['live/**'] } },
      lines,
    )
    publishTestSource({ url: `${rtmp}/live/cam`, size: '160x90' })
    await until('it is live', () => isReady(gateway, 'live/cam'))
    const answer = await post(`${http}/v1/bridges`, { from: 'stream:live/cam', to: ['mine.flv'] })
    expect([answer.status, (await answer.json()).code]).toEqual([507, 'no-space'])
    await until('the log says so', () => lines.some(line => line.includes('not recorded')))
    expect(recordings()).toEqual([])
    // With room it begins, while the stream goes on.
    await change({ recordings: { ...config, minFreeBytes: 0, auto: ['live/**'] } })
    await until('it is recorded', () => recordings().length === 1)
    expect(lines.filter(line => line.includes('not recorded'))).toHaveLength(1)
  })
})

describe('sources over RTMP', () => {
  test('the first viewer starts it, restarts of the other side are survived by the viewer, the last one ends it', async () => {
    const port = await freePort()
    const upstream = () => start({ rtmp: { listen: `127.0.0.1:${port}` } })
    let remote = await upstream()
    const publish = () => publishTestSource({ url: `rtmp://127.0.0.1:${port}/live/cam`, size: '160x90' })
    let publisher = publish()
    await until('it is live', () => isReady(remote.gateway, 'live/cam'))
    const { gateway, http, rtmp } = await start({
      sources: { 'far/cam': { url: `rtmp://127.0.0.1:${port}/live/cam`, idleS: 1 } },
      restream: { retry: { firstMs: 100, maxMs: 500 } },
    })
    const source = async () => (await (await fetch(`${http}/v1/sources`)).json()).sources[0]
    expect(await source()).toMatchObject({ state: 'idle', viewers: 0 })

    const viewer = startProgram('ffmpeg', ['-v', 'error', '-i', `${rtmp}/far/cam`, '-f', 'null', '-'])
    await until('it is watched', async () => (await source()).viewers === 1)
    for (let round = 1; round <= 3; round += 1) {
      await publisher.stop()
      await remote.gateway.close()
      await until('it is lost', async () => (await source()).state === 'backoff')
      remote = await upstream()
      publisher = publish()
      await until(
        'it is live again',
        async () => (await source()).state === 'live' && isReady(gateway, 'far/cam'),
        20_000,
      )
      expect(await source()).toMatchObject({ viewers: 1 })
      expect(viewer.child.exitCode).toBeNull()
    }
    await viewer.stop()
    await until('it is let go', async () => (await source()).state === 'idle')
    await until(
      'the other side has no viewer',
      () => remote.gateway.registry.find('live/cam')?.subscribers.length === 0,
    )
  })

  test('a file on demand plays over HTTP-FLV, RTMP and WHEP by its name', async () => {
    const film = await clip({ seconds: 3 })
    const { http, rtmp } = await start({ sources: { 'films/x': { url: `${film}?loop=true`, idleS: 0 } } })
    for (const url of [`${http}/films/x.flv`, `${rtmp}/films/x`])
      expect(await runProgram('ffmpeg', ['-v', 'error', '-i', url, '-t', '1', '-f', 'null', '-'])).toBe('')
    expect((await fetch(`${http}/films/none.flv`)).status).toBe(404)
    const body = readFileSync(join(import.meta.dirname, '../fixtures/sdp/chromium-view.sdp'), 'utf8')
    const headers = { 'content-type': 'application/sdp' }
    const answer = await fetch(`${http}/whep/films/x`, { method: 'POST', headers, body })
    expect([answer.status, await answer.text()]).toEqual([201, expect.stringContaining('m=video')])
  })

  test('a bridge asks for it too', async () => {
    const film = await clip({ seconds: 3 })
    const { http } = await start({ sources: { 'films/y': { url: `${film}?loop=true`, idleS: 1 } } })
    const bridge = await post(`${http}/v1/bridges`, { from: 'stream:films/y', to: ['films-y.flv'] })
    expect([bridge.status, (await bridge.json()).state]).toEqual([201, 'live'])
  })
})

/** For each entry of the table of classes, a configuration in which it differs from the default. */
const changes: Record<string, ConfigInput> = {
  'http.listen': { http: { listen: '127.0.0.1:1' } },
  'http.tls': { http: { ...anywhere, tls: pair } },
  'http.hosts': { http: { ...anywhere, hosts: ['a.example'] } },
  'http.origins': { http: { ...anywhere, origins: ['https://a.example'] } },
  'access.publish': { access: { publish: [{ key: 'a-long-secret' }] } },
  'access.play': { access: { play: [{ key: 'a-long-secret' }] } },
  'access.api': { access: { api: ['loopback', { key: 'a-long-secret' }] } },
  'access.jwt': { access: { jwt: { secret: 'x'.repeat(32) } } },
  'access.hook': { access: { hook: { url: 'http://127.0.0.1:1/', secret: 'x'.repeat(32) } } },
  outbound: { outbound: { allowPrivate: ['any'] } },
  restream: { restream: { stallMs: 900, retry: { firstMs: 5 } } },
  bridges: { bridges: [{ from: 'stream:live/none', to: ['none.flv'] }] },
  streams: { streams: { graceMs: 0, takeOverAfterMs: 1 } },
  sources: { sources: { 'live/other': 'none.flv' } },
  'recordings.directory': {},
  'recordings.maxBytes': {},
  'recordings.maxAgeDays': {},
  'recordings.minFreeBytes': {},
  'recordings.auto': {},
  'recordings.name': {},
  'recordings.jobs': {},
  'transcode.enabled': { transcode: { enabled: false } },
  'transcode.ffmpeg': { transcode: { ffmpeg: '/none' } },
  'transcode.cores': { transcode: { cores: 0.1 } },
  'transcode.policy': { transcode: { policy: 'off' } },
  'transcode.bFrames': { transcode: { bFrames: 'reject' } },
  'transcode.lockResolution': { transcode: { lockResolution: '64x64' } },
  'transcode.rules': { transcode: { rules: [{ match: 'live/*', policy: 'off' }] } },
  webhooks: { webhooks: [{ url: 'http://127.0.0.1:1/', secret: 'x'.repeat(32) }] },
  metrics: { metrics: { streams: 1 } },
  'log.level': { log: { level: 'error', format: 'json' } },
  'log.format': { log: { level: 'info', format: 'pretty' } },
  'rtmp.listen': { rtmp: { listen: null } },
  'rtmp.rtmps': { rtmp: { ...anywhere, rtmps: pair } },
  'rtmp.maxConnections': { rtmp: { ...anywhere, maxConnections: 1 } },
  'rtmp.handshakeTimeoutMs': { rtmp: { ...anywhere, handshakeTimeoutMs: 1 } },
  'rtmp.publisherIdleMs': { rtmp: { ...anywhere, publisherIdleMs: 1 } },
  'rtmp.readerHighWaterBytes': { rtmp: { ...anywhere, readerHighWaterBytes: 65_536 } },
  'rtmp.readerGiveUpMs': { rtmp: { ...anywhere, readerGiveUpMs: 1 } },
  'rtmp.connectTimeoutMs': { rtmp: { ...anywhere, connectTimeoutMs: 1 } },
  'rtmp.sourceIdleMs': { rtmp: { ...anywhere, sourceIdleMs: 1 } },
  'rtmp.tls': { rtmp: { ...anywhere, tls: { rejectUnauthorized: false } } },
  'webrtc.listen': { webrtc: { listen: null } },
  'webrtc.advertise': { webrtc: { ...anywhere, advertise: ['10.0.0.1'] } },
  'webrtc.connectTimeoutMs': { webrtc: { ...anywhere, connectTimeoutMs: 1000 } },
  'webrtc.publishCodecs': { webrtc: { ...anywhere, publishCodecs: ['vp8'] } },
  'webrtc.viewerWaitMs': { webrtc: { ...anywhere, viewerWaitMs: 5 } },
  'flv.fourCcs': { flv: { fourCcs: [] } },
  'flv.viewerHighWaterBytes': { flv: { viewerHighWaterBytes: 65_536 } },
  'flv.viewerGiveUpMs': { flv: { viewerGiveUpMs: 1 } },
  'flv.recordingHighWaterBytes': { flv: { recordingHighWaterBytes: 65_536 } },
  'flv.connectTimeoutMs': { flv: { connectTimeoutMs: 1 } },
  'flv.sourceIdleMs': { flv: { sourceIdleMs: 1 } },
  'flv.maxRedirects': { flv: { maxRedirects: 0 } },
  'rtp.ports': { rtp: { ports: { min: 20_000, max: 20_001 } } },
  'rtp.allow': { rtp: { allow: ['10.0.0.1'] } },
  'rtp.timeoutMs': { rtp: { timeoutMs: 100 } },
  'rtp.maxPayloadBytes': { rtp: { maxPayloadBytes: 200 } },
  'sip.listen': { sip: { listen: '127.0.0.1:1' } },
  'sip.tls': { sip: { tls: pair } },
  'sip.ws': { sip: { ws: {} } },
  'sip.listeners': {
    sip: { listeners: [{ listen: '127.0.0.1:1', external: '203.0.113.1:6060', local: [] }] },
  },
  'sip.trust': { sip: { trust: { rejectUnauthorized: false } } },
  'sip.external': { sip: { external: '203.0.113.1' } },
  'sip.local': { sip: { local: [] } },
  'sip.ports': { sip: { ports: { min: 20_000, max: 20_001 } } },
  'sip.latch': { sip: { latch: 'off' } },
  'sip.srtp': { sip: { srtp: 'required' } },
  'sip.challenge': { sip: { challenge: ['SHA-256'] } },
  'sip.codecs': { sip: { codecs: ['pcmu'] } },
  'sip.video': { sip: { video: false } },
  'sip.routes': { sip: { routes: [{ called: '1', from: 'any' }] } },
  'sip.accounts': { sip: { accounts: { home: { uri: 'sip:a@127.0.0.1:1', password: 'secret' } } } },
  'sip.trunks': { sip: { trunks: { pbx: { uri: 'sip:us@127.0.0.1:1' } } } },
  'sip.outbound': { sip: { outbound: { domains: ['a.example'] } } },
  'sip.limits': { sip: { limits: { calls: 1 } } },
  'sip.timeouts': { sip: { timeouts: { ringMs: 1 } } },
  'sip.sessionExpiresS': { sip: { sessionExpiresS: 90 } },
  'sip.minSessionS': { sip: { minSessionS: 30 } },
}
const recordingChanges: Record<string, object> = {
  directory: { directory: join(tmpdir(), 'crosspoint-elsewhere') },
  maxBytes: { maxBytes: 1 },
  maxAgeDays: { maxAgeDays: 0.001 },
  minFreeBytes: { minFreeBytes: Number.MAX_SAFE_INTEGER },
  auto: { auto: ['nothing/*'] },
  name: { name: '{time}.flv' },
  jobs: { jobs: { atOnce: 2, waiting: 1 } },
}

describe('reload', () => {
  test('every key is changed under running sessions: no class of change ends one', async () => {
    const { gateway, http, rtmp, change, fileWith } = await start()
    const directory = join(folder, 'recordings')
    for (const [key, over] of Object.entries(recordingChanges))
      changes[`recordings.${key}`] = { recordings: { directory, ...over } }
    expect(Object.keys(changes).sort()).toEqual([...reloadClasses(adapters).keys()].sort())

    const publisher = publishTestSource({ url: `${rtmp}/live/cam`, size: '160x90' })
    await until('it is live', () => isReady(gateway, 'live/cam'))
    const viewers = [`${rtmp}/live/cam`, `${http}/live/cam.flv`].map(url =>
      startProgram('ffmpeg', ['-v', 'error', '-i', url, '-f', 'null', '-']),
    )
    await post(`${http}/v1/bridges`, { from: 'stream:live/cam', to: ['long.flv'] })
    const subscribers = () => gateway.registry.find('live/cam')?.subscribers ?? []
    await until('all watch', () => subscribers().length === 3)
    const before = subscribers().map(({ id }) => id)
    const { readySince } = gateway.registry.find('live/cam')!

    for (const [key, over] of Object.entries(changes)) {
      const answer = await post(`${http}/v1/config/plan`, { config: fileWith(over) })
      const planned = (await answer.json()).changes as { readonly key: string }[]
      expect(planned.length, key).toBeGreaterThan(0)
      expect(planned.filter(row => !`${row.key}.`.startsWith(`${key}.`))).toEqual([])
      await change(over)
      await change({})
    }
    const units = subscribers().map(({ stats }) => stats.units)
    await until('all go on', () => subscribers().every(({ stats }, i) => stats.units > units[i]! + 10))
    expect(subscribers().map(({ id }) => id)).toEqual(before)
    expect(gateway.registry.find('live/cam')!.readySince).toBe(readySince)
    for (const program of [publisher, ...viewers]) expect(program.child.exitCode).toBeNull()
    expect(gateway.live.pending).toEqual([])
  })

  test('transcodes that begin go by the new values, those that run go on', async () => {
    const { gateway, http, rtmp, change } = await start()
    publishTestSource({ url: `${rtmp}/live/cam`, size: '160x90' })
    await until('it is live', () => isReady(gateway, 'live/cam'))
    const carry = async (codec: string): Promise<{ state: string; why: string }> => {
      const to = `rtp://127.0.0.1:${await freePort()}?audio=${codec}`
      const { state, legs, detail } = await (
        await post(`${http}/v1/bridges`, { from: 'stream:live/cam', to: [to] })
      ).json()
      return { state: state ?? 'refused', why: detail ?? JSON.stringify(legs[0].plan.skipped) }
    }
    const jobs = () => gateway.registry.find('live/cam')!.tracks.filter(({ derivedFrom }) => derivedFrom)
    expect(await carry('opus')).toMatchObject({ state: 'live' })
    expect(jobs()).toHaveLength(1)

    await change({ transcode: { enabled: false } })
    expect(await carry('pcmu')).toMatchObject({ state: 'refused', why: expect.stringContaining('is off') })
    await change({ transcode: { cores: 0.01 } })
    expect(await carry('pcmu')).toMatchObject({
      ...{ state: 'refused', why: expect.stringMatching(/0\.00 of 0\.01 left \(transcode\.cores\)/) },
    })
    await change({ transcode: { ffmpeg: join(folder, 'none') } })
    expect(await carry('pcmu')).toMatchObject({
      state: 'refused',
      why: expect.stringContaining('is missing'),
    })

    const other = join(folder, 'other-ffmpeg')
    const ran = join(folder, 'ran')
    writeFileSync(other, `#!/bin/sh\necho "$*" >> ${ran}\nexec ffmpeg "$@"\n`, { mode: 0o755 })
    await change({ transcode: { ffmpeg: other } })
    expect(await carry('pcmu')).toMatchObject({ state: 'live' })
    await until('the other ffmpeg makes it', () => readFileSync(ran, 'utf8').includes('pcm_mulaw'))
    const [first, second] = jobs()
    expect([first!.params.codec, second!.params.codec]).toEqual(['opus', 'pcmu'])
    const units = first!.stats!.units
    await until('the first goes on', () => jobs()[0]!.stats!.units > units + 10)
    expect(gateway.live.pending).toEqual([])
  })

  test('whoever is told of events, and whoever is asked, changes at once too', async () => {
    await using told = await startHookServer()
    await using other = await startHookServer()
    await using asked = await startHookServer()
    asked.answer = response => void response.writeHead(403).end()
    const { gateway, http, change } = await start()
    const play = async (): Promise<number> => (await fetch(`${http}/live/none.flv`)).status
    const secret = 'x'.repeat(32)
    const kept = { url: told.url, secret }
    expect(await play()).toBe(404)
    await change({
      webhooks: [kept, { url: other.url, secret }],
      access: { hook: { url: asked.url, secret } },
    })
    expect([await play(), asked.requests.length]).toEqual([403, 1])
    gateway.events.append('hook:test')
    await until('both are told', () => told.requests.length * other.requests.length > 0)
    await change({ webhooks: [kept], metrics: { streams: 1 } })
    expect(await play()).toBe(404)
    const { id } = gateway.events.append('hook:test')
    await until('the one that was kept is told', () => told.requests.some(({ body }) => body.includes(id)))
    expect(other.requests.some(({ body }) => body.includes(id))).toBe(false)
    expect(asked.requests).toHaveLength(1)
    expect(await (await fetch(`${http}/metrics`)).text()).toMatch(
      /webhook_events_total\{outcome="delivered"\} [1-9]/,
    )
  })

  test('what is live holds at once: access, hosts, bridges', async () => {
    const lines: string[] = []
    const { gateway, http, rtmp, change } = await start({}, lines)
    const publisher = publishTestSource({ url: `${rtmp}/live/cam`, size: '160x90' })
    await until('it is live', () => isReady(gateway, 'live/cam'))
    expect(await statusWithHost(http, 'tv.example')).toBe(403)
    await change({
      http: { ...anywhere, hosts: ['tv.example'] },
      access: { play: [{ key: 'a-long-secret' }] },
      bridges: [{ from: 'stream:live/cam', to: ['by-config.flv'] }],
    })
    expect(await statusWithHost(http, 'tv.example')).toBe(200)
    expect((await fetch(`${http}/live/cam.flv`)).status).toBe(401)
    await until('the bridge records', () => recordings().length === 1)
    await change({})
    await until('the bridge has ended', () => gateway.bridges.list().every(({ state }) => state === 'ended'))
    const response = await fetch(`${http}/live/cam.flv`)
    expect(response.status).toBe(200)
    await response.body!.cancel()
    expect(publisher.child.exitCode).toBeNull()
    await change({ rtmp: { lissen: 1 } } as unknown as ConfigInput).catch(() => undefined)
    expect(lines.at(-1)).toContain('did you mean listen')
    expect((await (await fetch(`${http}/v1/config`)).json()).lastReload.error).toContain(
      'did you mean listen',
    )
    const none = { cert: join(folder, 'none.pem'), key: certificates.key }
    await expect(change({ http: { ...anywhere, tls: none } })).rejects.toThrow(/none\.pem.*ENOENT/)
    expect(gateway.live.pending).toEqual([])
    await change({ rtmp: { lissen: 1 } } as unknown as ConfigInput).catch(() => undefined)
    const reload = await fetch(`${http}/v1/config/reload`, { method: 'POST' })
    expect([reload.status, (await reload.json()).code]).toEqual([400, 'bad-config'])
  })
})
