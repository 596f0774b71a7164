import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { UrlEndpoint } from '../../../src/bridges/endpoint.ts'
import { createRegistry } from '../../../src/core/registry.ts'
import { closable, createScope } from '../../../src/core/scope.ts'
import type { Publication, Registry, Scope } from '../../../src/core/types.ts'
import { GatewayError } from '../../../src/errors.ts'
import { sourcesSchema } from '../../../src/sources/config.ts'
import { createSources, type Sources } from '../../../src/sources/sources.ts'
import { picture, vp8 } from '../../helpers/core-media.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const retry = {
  ...{ firstMs: 1000, maxMs: 30_000, refusedFirstMs: 30_000, refusedMaxMs: 300_000 },
  ...{ jitter: 0, dwellMs: 10_000, settleMs: 3000, hangUps: 6 },
}

/** A remote server that can be told to refuse, and whose connections can be cut. */
class Upstream {
  readonly connections: { readonly publication: Publication; readonly scope: Scope }[] = []
  refusal: GatewayError | undefined
  pulls = 0

  endpoint(url: string): UrlEndpoint {
    if (!URL.canParse(url)) throw new GatewayError('bad-url', `${url} cannot be parsed`)
    const adapter = {
      ...{ name: 'up', schemes: ['up'], config: { parse: () => ({}) }, ingests: [], egresses: [] },
      pull: async (_context: unknown, _config: unknown, _url: URL, publication: Publication) => {
        this.pulls += 1
        if (this.refusal !== undefined) throw this.refusal
        const scope = createScope('up', { signal: publication.signal })
        const writer = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
        publication.ready()
        writer.write(picture(0))
        const connection = { publication, scope }
        this.connections.push(connection)
        void scope.closed.then(() => this.connections.splice(this.connections.indexOf(connection), 1))
        return closable(scope)
      },
    }
    const dialer = { adapter, context: {}, config: {} } as unknown as UrlEndpoint['dialer']
    return { kind: 'url', label: url, url: new URL(url), dialer, once: url.endsWith('.flv') }
  }
  async cut(code: 'source-lost' | 'source-ended' = 'source-lost'): Promise<void> {
    await this.connections[0]!.scope.close({ code, detail: 'cut' })
  }
}

let clock: ManualClock
let upstream: Upstream
let registry: Registry
let scope: Scope
let sources: Sources
let logged: LogLine[]
beforeEach(() => {
  clock = new ManualClock()
  upstream = new Upstream()
  scope = createScope('test')
  logged = []
  registry = createRegistry({
    clock,
    demand: name => sources.demand(name),
    continuity: () => ({ graceMs: 10_000, graceOnUnpublish: false, takeOverAfterMs: 0 }),
  })
  const log = recordingLogger(logged)
  sources = createSources({ dial: url => upstream.endpoint(url), registry, retry, clock, scope, log })
})
afterEach(async () => {
  await scope.close({ code: 'shutdown' })
  await registry.close()
})

const apply = (config: object): Promise<void> => sources.apply(sourcesSchema.parse(config))
const settle = (ms = 0): Promise<void> => clock.advanceAsync(ms * 1000 + 1)
const video = { kind: 'video', codec: 'vp8', form: 'frame' } as const
const watch = async () => {
  const egress = memoryEgress({ label: 'viewer', accepts: [video] })
  const subscription = registry.subscribe('live/cam', egress, { start: 'last-gop' })
  return { egress, subscription }
}
const state = (): string | undefined => sources.find('live/cam')?.state

describe('on demand', () => {
  test('nothing is connected before the first viewer, and one connection serves all', async () => {
    await apply({ 'live/cam': 'up://host/cam' })
    await settle(60_000)
    expect([upstream.pulls, state(), registry.list().length]).toEqual([0, 'idle', 0])
    const [one, two] = await Promise.all([watch(), watch()])
    await settle()
    await Promise.all([one.subscription, two.subscription])
    expect(upstream.pulls).toBe(1)
    expect(sources.find('live/cam')).toMatchObject({ state: 'live', viewers: 2, onDemand: true })
  })

  test('it is let go so long after the last viewer, and comes again for the next', async () => {
    await apply({ 'live/cam': { url: 'up://host/cam', idleS: 7 } })
    for (let round = 1; round <= 3; round += 1) {
      const { egress, subscription } = await watch()
      await settle()
      await subscription
      await settle(60_000)
      expect(state()).toBe('live')
      await egress.close()
      await settle(6900)
      expect(state()).toBe('live')
      await settle(200)
      expect([state(), upstream.connections.length, registry.list().length]).toEqual(['idle', 0, 0])
      expect(upstream.pulls).toBe(round)
    }
    expect(clock.pending).toBe(0)
  })

  test('a viewer that comes back in time keeps it', async () => {
    await apply({ 'live/cam': { url: 'up://host/cam', idleS: 7 } })
    const first = await watch()
    await settle()
    await first.egress.close()
    await settle(6000)
    await (await watch()).subscription
    await settle(60_000)
    expect([state(), upstream.pulls]).toEqual(['live', 1])
  })

  test('a viewer waits as long as it may take, and is told why it did not come', async () => {
    await apply({ 'live/cam': { url: 'up://host/cam', startS: 5 } })
    upstream.refusal = new GatewayError('connect-failed', 'host: connection refused')
    const { subscription } = await watch()
    const outcome = subscription.catch((error: GatewayError) => error)
    await settle(2500)
    expect(sources.find('live/cam')).toMatchObject({
      state: 'backoff',
      retries: 1,
      lastError: { code: 'connect-failed' },
    })
    await settle(3000)
    expect(await outcome).toMatchObject({
      code: 'stream-offline',
      message: expect.stringMatching(/up:\/\/host\/cam – .*connection refused\), waited 5000 ms/),
    })
    await settle(10_000)
    expect(sources.find('live/cam')).toMatchObject({ state: 'idle', lastError: { code: 'connect-failed' } })
    expect(clock.pending).toBe(0)
  })

  test('one that comes up within that time serves the viewer that waits', async () => {
    await apply({ 'live/cam': 'up://host/cam' })
    upstream.refusal = new GatewayError('refused', 'no such stream')
    const { subscription } = await watch()
    await settle(500)
    upstream.refusal = undefined
    await settle(2000)
    await subscription
    expect(state()).toBe('live')
  })

  test('a file that has played is over, until somebody wants it again', async () => {
    await apply({ 'live/cam': 'up://host/film.flv' })
    const first = await watch()
    await settle()
    await first.subscription
    await upstream.cut('source-ended')
    await settle()
    expect([state(), upstream.pulls]).toEqual(['ended', 1])
    await settle(30_000)
    expect([state(), registry.list().length]).toEqual(['ended', 0])
    const second = await watch()
    await settle()
    await second.subscription
    expect([state(), upstream.pulls]).toEqual(['live', 2])
  })
})

describe('always', () => {
  const always = { 'live/cam': { url: 'up://host/cam', onDemand: false } }

  test('it is connected at once and stays, watched or not', async () => {
    await apply(always)
    await settle(60_000)
    expect([state(), upstream.pulls]).toEqual(['live', 1])
    const { egress, subscription } = await watch()
    await subscription
    await egress.close()
    await settle(60_000)
    expect([state(), upstream.pulls]).toEqual(['live', 1])
  })

  test('50 restarts of the other side are 50 recoveries: one viewer stays throughout, nothing is left behind', async () => {
    await apply(always)
    await settle()
    const { egress, subscription } = await watch()
    await subscription
    const timers = clock.pending
    for (let i = 1; i <= 50; i += 1) {
      await settle(11_000)
      await upstream.cut(i % 2 === 0 ? 'source-lost' : 'source-ended')
      await settle()
      expect(state()).toBe('backoff')
      await settle(1100)
      expect([state(), upstream.pulls]).toEqual(['live', i + 1])
    }
    expect(egress.signal.aborted).toBe(false)
    expect(upstream.connections).toHaveLength(1)
    await settle(11_000)
    expect(clock.pending).toBe(timers)
    expect(sources.find('live/cam')).toMatchObject({ retries: 50, viewers: 1 })
  })

  test('the waits grow to half a minute while it cannot be had, whatever it says', async () => {
    upstream.refusal = new GatewayError('refused', 'no such stream')
    await apply(always)
    await settle(600_000)
    expect(state()).toBe('backoff')
    // 1 + 2 + 4 + 8 + 16 s, then one each 30 s.
    expect(upstream.pulls).toBeGreaterThan(20)
    expect(upstream.pulls).toBeLessThan(27)
    upstream.refusal = undefined
    await settle(31_000)
    expect(state()).toBe('live')
  })

  test('a name that somebody else holds is waited for', async () => {
    const other = registry.publish('live/cam', { label: 'somebody', onConflict: 'reject' })
    await apply(always)
    await settle()
    expect(sources.find('live/cam')).toMatchObject({ state: 'backoff', lastError: { code: 'name-taken' } })
    await other.close()
    await settle(60_000)
    expect(state()).toBe('live')
  })
})

describe('changed while it runs', () => {
  test('entries that stay are not touched, those that are gone end with their stream', async () => {
    await apply({ 'live/cam': { url: 'up://a', onDemand: false }, b: { url: 'up://b', onDemand: false } })
    await settle()
    const { egress, subscription } = await watch()
    await subscription
    await apply({ 'live/cam': { url: 'up://a', onDemand: false }, c: { url: 'up://c', onDemand: false } })
    await settle()
    expect(upstream.pulls).toBe(3)
    expect(egress.signal.aborted).toBe(false)
    expect(registry.list().map(({ name }) => name)).toEqual(['live/cam', 'c'])
    await apply({})
    await settle()
    await expect(egress.closed).resolves.toMatchObject({
      code: 'unpublished',
      detail: expect.stringContaining('removed'),
    })
    expect([sources.list().length, registry.list().length, upstream.connections.length]).toEqual([0, 0, 0])
  })

  test('what cannot be is listed with the reason', async () => {
    await apply({ 'live/cam': 'no url' })
    expect(sources.find('live/cam')).toMatchObject({ state: 'failed', lastError: { code: 'bad-url' } })
    expect(logged.map(({ level }) => level)).toEqual(['error'])
    await apply({})
    expect(sources.list()).toEqual([])
  })

  test.each(['../x', '', 'a//b', '-x'])('%j is no name of a stream', name => {
    expect(sourcesSchema.safeParse({ [name]: 'up://a' }).success).toBe(false)
  })
})
