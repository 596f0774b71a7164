/** Each operation is asked as its description says, and answers as its schema says: nothing missing, nothing more. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../../src/gateway.ts'
import { type ApiParts, apiRoutes } from '../../../src/http/api.ts'
import { honoPath } from '../../../src/http/mount-routes.ts'
import type { ApiRoute } from '../../../src/http/route.ts'
import { problemSchema } from '../../../src/http/schemas/problem.ts'
import { createLogger } from '../../../src/observe/logger.ts'
import { aac, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { h264Frames } from '../../helpers/media-fixtures.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'

const log = createLogger({ level: 'silent', format: 'json' })
const anywhere = { listen: { host: '127.0.0.1', port: 0 } }
let gateway: Gateway
let base: string
let routes: ReadonlyMap<string, ApiRoute>

beforeAll(async () => {
  const directory = mkdtempSync(join(tmpdir(), 'api-'))
  mkdirSync(join(directory, 'live'))
  for (const name of ['cam', 'old']) writeFileSync(join(directory, `live/${name}.flv`), 'no media')
  const file = {
    ...{ http: anywhere, rtmp: anywhere, webrtc: anywhere, recordings: { directory } },
    sip: {
      ...anywhere,
      routes: [{ called: '1000', from: 'loopback', answer: 'at-once', transfer: { to: '1000' } }],
      outbound: { domains: ['127.0.0.1'] },
    },
    sources: { 'source/one': 'rtmp://user:KEY@127.0.0.1:1/app/KEY' },
  }
  const layers = { file, flags: {} }
  gateway = await createGateway(file, { log, origin: { layers, read: async () => layers } })
  base = `http://127.0.0.1:${gateway.doors.get('http')!.port}`
  // Only the descriptions are used, never what they are made of.
  const parts = { adapters: [], doors: new Map() } as unknown as ApiParts
  routes = new Map(apiRoutes(parts).map(route => [route.operation.id, route]))
})
afterAll(async () => {
  const { directory } = gateway.config.recordings
  await gateway.close()
  rmSync(directory, { recursive: true })
})

const live = (name: string) => {
  const link = { roundTripMs: 3, nacks: 2 }
  const publication = gateway.registry.publish(name, {
    label: 'rtmp 10.0.0.1:5 rtmp://h/app/KEY',
    onConflict: 'reject',
    link: () => link,
  })
  const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
  const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
  publication.ready()
  return { publication, video, audio }
}
const watch = async (name: string, label = 'http-flv 10.0.0.2') => {
  const egress = memoryEgress({ label, accepts: [{ kind: 'video', codec: 'vp8', form: 'frame' }] })
  await gateway.registry.subscribe(name, egress, { start: 'live' })
  return egress
}

const send = (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
  fetch(base + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })

const newestJob = async (): Promise<string> => {
  const { jobs } = await (await send('GET', '/v1/jobs')).json()
  return jobs.at(-1).id
}

/** The gateway calls itself. */
const self = (): string => `sip:1000@127.0.0.1:${gateway.doors.get('sip')!.port}`
const liveCall = async (): Promise<string> => {
  const { id } = await gateway.calls.dial({ to: self() })
  await expect.poll(() => gateway.calls.get(id).state, { timeout: 5000 }).toBe('live')
  return `/v1/calls/${id}`
}

/** One good request for each operation, by its id. */
const cases: Record<string, () => Promise<Response>> = {
  getHealth: () => send('GET', '/healthz'),
  getOpenApi: () => send('GET', '/openapi.json'),
  listAdapters: () => send('GET', '/v1/adapters'),
  async listStreams() {
    const { publication } = live('list/one')
    await watch('list/one')
    const answer = await send('GET', '/v1/streams')
    await publication.close()
    return answer
  },
  async getStream() {
    const { publication, video, audio } = live('get/one')
    await watch('get/one')
    for (let i = 0; i < 40; i++) video.write(picture(i))
    for (let i = 0; i < 40; i++) audio.write(sound(i))
    const answer = await send('GET', '/v1/streams/get%2Fone')
    await publication.close()
    return answer
  },
  async kickPublisher() {
    live('kick/one')
    return send('POST', '/v1/streams/kick%2Fone/kick', { reason: 'enough' })
  },
  async kickSubscriber() {
    live('kick/two')
    await watch('kick/two')
    const id = gateway.registry.find('kick/two')!.subscribers[0]!.id
    return send('DELETE', `/v1/streams/kick%2Ftwo/subscribers/${id}`)
  },
  async openBridge() {
    live('bridge/one')
    return send('POST', '/v1/bridges', { from: 'stream:bridge/one', to: ['rtmp://127.0.0.1:1/app/KEY'] })
  },
  dial: () => send('POST', '/v1/calls', { to: self(), publish: 'called/one' }),
  getCall: async () => send('GET', await liveCall()),
  listCalls: () => send('GET', '/v1/calls'),
  explainCall: () => send('POST', '/v1/calls/explain', { to: 'sip:1000@gw', remote: '192.0.2.1' }),
  listCallAccounts: () => send('GET', '/v1/accounts'),
  holdCall: async () => send('POST', `${await liveCall()}/hold`),
  async unholdCall() {
    const call = await liveCall()
    await send('POST', `${call}/hold`)
    return send('POST', `${call}/unhold`)
  },
  hearInCall: async () => send('PATCH', await liveCall(), { hear: null }),
  sendDigits: async () => send('POST', `${await liveCall()}/dtmf`, { digits: '1#' }),
  transferCall: async () => send('POST', `${await liveCall()}/transfer`, { to: self() }),
  hangUp: async () => send('POST', `${await liveCall()}/hangup`, { reason: 'enough' }),
  endCall: async () => send('DELETE', await liveCall()),
  readEvents: () => send('GET', '/v1/events?recent=3'),
  getMetrics: () => send('GET', '/metrics'),
  async getSnapshot() {
    const frame = h264Frames('h264-baseline')[0]!
    const publication = gateway.registry.publish('snap/shot', { label: 'test', onConflict: 'reject' })
    const writer = publication.addTrack({ id: 'video', native: 'frame', params: frame.params })
    publication.ready()
    writer.write(frame)
    const answer = await send('GET', '/v1/streams/snap%2Fshot/snapshot.jpg')
    await publication.close()
    return answer
  },
  listSources: () => send('GET', '/v1/sources'),
  listRecordings: () => send('GET', '/v1/recordings'),
  deleteRecording: () => send('DELETE', '/v1/recordings/live/old.flv'),
  addJob: () => send('POST', '/v1/jobs', { kind: 'remux', from: 'live/cam.flv', to: 'cam.mp4' }),
  listJobs: () => send('GET', '/v1/jobs'),
  getJob: async () => send('GET', `/v1/jobs/${await newestJob()}`),
  removeJob: async () => send('DELETE', `/v1/jobs/${await newestJob()}`),
  getConfig: () => send('GET', '/v1/config'),
  planConfig: () => send('POST', '/v1/config/plan', { config: { rtmp: { maxConnections: 3 } } }),
  reloadConfig: () => send('POST', '/v1/config/reload'),
  listBridges: () => send('GET', '/v1/bridges'),
  async getBridge() {
    return send('GET', `/v1/bridges/${gateway.bridges.list()[0]!.id}`)
  },
  async closeLeg() {
    live('bridge/two')
    const to = ['rtmp://127.0.0.1:1/app/KEY', 'rtmp://127.0.0.1:2/app/KEY']
    await send('POST', '/v1/bridges', { from: 'stream:bridge/two', to })
    const { id } = gateway.bridges.list().find(({ stream }) => stream === 'bridge/two')!
    return send('DELETE', `/v1/bridges/${id}/legs/1`)
  },
  async closeBridge() {
    return send('DELETE', `/v1/bridges/${gateway.bridges.list()[0]!.id}`)
  },
}

describe('every operation', () => {
  test('has its case here', () => {
    expect(Object.keys(cases).sort()).toEqual([...routes.keys()].sort())
  })

  test.each(Object.keys(cases))('%s answers as described', async id => {
    const { operation } = routes.get(id)!
    const response = await cases[id]!()
    if (operation.media !== undefined) {
      expect(response.headers.get('content-type')).toContain(operation.media)
      await response.body!.cancel()
    }
    const hasContent = operation.answer !== undefined || operation.media !== undefined
    const text = operation.media === undefined ? await response.text() : ''
    expect(response.status, text).toBe(operation.status ?? (hasContent ? 200 : 204))
    if (operation.answer === undefined) return
    expect(response.headers.get('cache-control')).toBe('no-store')
    const body: unknown = JSON.parse(text)
    // Parsing leaves out what the schema does not know.
    expect(operation.answer.parse(body)).toEqual(body)
  })
})

const refused = async (response: Response) => {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body: unknown = await response.json()
  expect(problemSchema.parse(body)).toEqual(body)
  return problemSchema.parse(body)
}

describe('refusals', () => {
  test('an unknown field is named, with the one that was meant', async () => {
    const answer = await refused(await send('POST', '/v1/bridges', { form: 'a', to: ['b'] }))
    expect(answer).toMatchObject({
      code: 'bad-request',
      detail: expect.stringContaining('unknown key form: did you mean from?'),
    })
  })
  test('an unknown query parameter is named; credentials are not unknown', async () => {
    const answer = await refused(await send('GET', '/v1/streams?prefix=live'))
    expect(answer.detail).toContain('unknown key query.prefix')
    expect((await send('GET', '/v1/streams?token=x')).status).toBe(200)
  })
  test.each([
    ['no JSON', 'text', { 'content-type': 'application/json' }],
    ['another type', '{}', { 'content-type': 'text/plain' }],
    ['a wrong type of field', { from: 1, to: [] }, {}],
  ])('%s', async (_what, body, headers) => {
    expect((await refused(await send('POST', '/v1/bridges', body, headers))).status).toBe(400)
  })
  test('what is not there', async () => {
    expect(await refused(await send('GET', '/v1/streams/no/such'))).toMatchObject({
      code: 'stream-offline',
      status: 404,
    })
    expect(await refused(await send('POST', '/v1/streams/no/such/kick'))).toMatchObject({
      code: 'stream-offline',
    })
    expect(await refused(await send('DELETE', '/v1/bridges/none'))).toMatchObject({ code: 'not-found' })
    const { publication } = live('there')
    const missing = await send('DELETE', '/v1/streams/there/subscribers/r0')
    expect(await refused(missing)).toMatchObject({
      code: 'not-found',
      detail: expect.stringContaining('there'),
    })
    await publication.close()
  })
})

describe('what a stream says', () => {
  test('publisher without its key, link, readers with plan, latency and drops', async () => {
    const { publication, video } = live('live/told')
    await watch('live/told')
    for (let i = 0; i < 40; i++) video.write({ ...picture(i), arrival: performance.now() * 1000 })
    const stream = await (await send('GET', '/v1/streams/live/told')).json()
    expect(stream).toMatchObject({
      state: 'ready',
      viewers: 1,
      publisher: 'rtmp 10.0.0.1:5 rtmp://h/app/***',
      publisherLink: { roundTripMs: 3, nacks: 2 },
      subscribers: [
        {
          label: 'http-flv 10.0.0.2',
          plan: {
            ok: true,
            tracks: [{ source: 'video', steps: [{ op: 'copy' }] }],
            skipped: [{ source: 'audio' }],
          },
          stats: { units: 40, droppedBy: { 'waiting-for-key': 0, slow: 0 } },
        },
      ],
    })
    const { latencyMs } = stream.subscribers[0].stats
    expect(latencyMs).toBeGreaterThanOrEqual(0)
    expect(latencyMs).toBeLessThan(1000)
    await publication.close()
  })
})

describe('keys and passwords', () => {
  test.each(['/v1/sources', '/v1/config'])('are not in %s', async path => {
    const text = await (await send('GET', path)).text()
    expect(text).toContain('source/one')
    expect(text).not.toContain('KEY')
  })
})

describe('kick', () => {
  test('ends the publisher and its readers with the reason, at once, and frees the name', async () => {
    const { publication } = live('live/kicked')
    const reader = await watch('live/kicked')
    expect((await send('POST', '/v1/streams/live/kicked/kick', { reason: 'too loud' })).status).toBe(204)
    await expect(publication.closed).resolves.toMatchObject({ code: 'kicked', detail: 'too loud' })
    await expect(reader.closed).resolves.toMatchObject({ code: 'kicked', detail: 'too loud' })
    expect((await send('GET', '/v1/streams/live/kicked')).status).toBe(404)
    await live('live/kicked').publication.close()
  })
  test('ends one reader and no other', async () => {
    const { publication } = live('live/crowd')
    const one = await watch('live/crowd', 'whep 10.0.0.3')
    await watch('live/crowd', 'whep 10.0.0.4')
    const { subscribers } = await (await send('GET', '/v1/streams/live%2Fcrowd')).json()
    const path = `/v1/streams/live/crowd/subscribers/${subscribers[0].id}`
    expect((await send('DELETE', path)).status).toBe(204)
    await expect(one.closed).resolves.toMatchObject({ code: 'kicked' })
    expect((await send('DELETE', path)).status).toBe(404)
    const left = await (await send('GET', '/v1/streams/live%2Fcrowd')).json()
    expect(left.subscribers.map(({ label }: { label: string }) => label)).toEqual(['whep 10.0.0.4'])
    await publication.close()
  })
})

describe('OpenAPI', () => {
  const find = (value: unknown, visit: (key: string, inner: unknown) => void): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      visit(key, inner)
      find(inner, visit)
    }
  }
  test('every operation is in it, and every reference leads somewhere', async () => {
    const document = await (await send('GET', '/openapi.json')).json()
    expect(document.openapi).toBe('3.1.0')
    const ids: unknown[] = []
    const references: string[] = []
    find(document, (key, inner) => {
      if (key === 'operationId') ids.push(inner)
      if (key === '$ref') references.push(String(inner))
    })
    expect(ids.sort()).toEqual([...routes.keys()].sort())
    const names = new Set(references.map(reference => reference.replace('#/components/schemas/', '')))
    expect([...names].filter(name => !(name in document.components.schemas))).toEqual([])
    expect(
      document.paths['/v1/streams/{name}'].get.responses[200].content['application/json'].schema,
    ).toEqual({
      $ref: '#/components/schemas/Stream',
    })
    expect(document.components.schemas.BridgeRequest).toMatchObject({
      additionalProperties: false,
      required: ['from', 'to'],
    })
  })
})

describe('paths', () => {
  test('a name goes on until what follows it', () => {
    expect(honoPath('/v1/streams/{name}')).toBe('/v1/streams/:name{.+}')
    expect(honoPath('/v1/streams/{name}/a.jpg')).toBe('/v1/streams/:name{.+?(?=/a\\.jpg$)}/a.jpg')
    expect(honoPath('/v1/bridges/{id}')).toBe('/v1/bridges/:id')
  })
})
