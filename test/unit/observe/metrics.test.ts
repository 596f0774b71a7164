/** What Prometheus is told: well-formed, named, bounded, and counters that never fall. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { CallInfo, CallMedia } from '../../../src/adapters/call-desk.ts'
import { countCallEvent, createCallTotals } from '../../../src/calls/call-totals.ts'
import type { Calls } from '../../../src/calls/calls.ts'
import { createRegistry } from '../../../src/core/registry.ts'
import { createScope } from '../../../src/core/scope.ts'
import type { Accept, Registry, StreamInfo } from '../../../src/core/types.ts'
import { EventLog } from '../../../src/events/log.ts'
import { followRegistry } from '../../../src/events/registry-events.ts'
import { addCallQuality } from '../../../src/observe/metrics/call-quality.ts'
import { Exposition } from '../../../src/observe/metrics/exposition.ts'
import { createMetrics } from '../../../src/observe/metrics/metrics.ts'
import { addStreams } from '../../../src/observe/metrics/streams.ts'
import { noVoices } from '../../../src/transcode/voice/voice-totals.ts'
import { picture, vp8 } from '../../helpers/core-media.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'
import { type Family, readPrometheusText } from '../../helpers/prometheus-text.ts'

const accepts: Accept[] = [{ kind: 'video', codec: 'vp8', form: 'frame' }]
let clock: ManualClock
let registry: Registry
let scope: ReturnType<typeof createScope>
const received = { packets: 95, bytes: 15_200, lost: 5, jitterMs: 2, dropped: {} }
const sound: CallMedia = {
  ...{ kind: 'audio', codec: 'pcmu', direction: 'sendrecv', srtp: true, local: '', remote: '', latch: 'off' },
  ...{
    received,
    sent: { packets: 90, bytes: 14_400, dropped: {} },
    mos: 4.1,
    roundTripMs: 20,
    remoteFractionLost: 0,
  },
}
const call = (over: Partial<CallInfo>): CallInfo => ({
  ...{ id: 'c1', protocol: 'sip', direction: 'inbound', state: 'live', hold: 'none', from: '', to: '' },
  ...{ peer: '', callId: '', account: undefined, route: undefined, publish: undefined, hear: undefined },
  ...{ hearError: undefined, since: 0, answeredAt: 1e6, endedAt: undefined, reason: undefined },
  media: [sound],
  remarks: [],
  ...over,
})
const calls: Calls = {
  list: () => [call({}), call({ id: 'c2', state: 'ended' })],
  accounts: () => [{ ...account, state: 'registered' }],
  counters: () => new Map([['sip', { received: 12, refused_rate: 3 }]]),
} as Partial<Calls> as Calls
const account = {
  name: 'pbx',
  uri: '',
  expiresAt: undefined,
  nextTryAt: undefined,
  error: undefined,
  calls: 1,
}
const reason = { code: 486, by: 'them', detail: 'busy' } as const
const totals = createCallTotals()
countCallEvent(totals, { type: 'call:ended', call: call({ answeredAt: undefined, reason }), reason })
countCallEvent(totals, { type: 'call:ended', call: call({ endedAt: 4e6, reason }), reason })
countCallEvent(totals, { type: 'call:dtmf', call: call({}), digit: '1', how: 'rtp' })

let scrape: () => ReadonlyMap<string, Family>
let text: () => string

beforeEach(() => {
  clock = new ManualClock()
  registry = createRegistry({ clock })
  scope = createScope('test')
  const events = new EventLog({ clock, onError: () => undefined })
  scope.defer(followRegistry(registry, events, (type, facts) => void events.append(type, facts)))
  text = createMetrics({
    ...{ registry, events, clock, scope, streams: () => 10, version: '1.2.3' },
    bridges: { list: () => [] } as never,
    callMeasures: { calls, totals, shown: () => 2 },
    webhooks: { counts: () => ({ delivered: 1, failed: 2, dropped: 3, abandoned: 4, waiting: 5 }) },
    refusals: new Map([['publish unauthorized', 7]]),
    transcodes: { running: () => [1], voices: () => noVoices, budget: { cores: 3, used: 0.5 } },
  })
  scrape = () => readPrometheusText(text())
})
afterEach(() => scope.close())

const value = (name: string, labels: Record<string, string> = {}): number | undefined =>
  [...scrape().values()]
    .flatMap(({ samples }) => samples)
    .find(
      sample => sample.name === name && Object.entries(labels).every(([key, v]) => sample.labels[key] === v),
    )?.value

const goLive = (name: string, link = {}) => {
  const publication = registry.publish(name, {
    label: 'whip 10.0.0.1',
    onConflict: 'reject',
    link: () => link,
  })
  const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
  publication.ready()
  return { publication, video }
}

test('names begin with crosspoint_, counters end in _total, all have a help', () => {
  for (const { name, type, help } of scrape().values()) {
    expect(name).toMatch(/^crosspoint_/)
    expect(name.endsWith('_total'), name).toBe(type === 'counter')
    expect(help).not.toBe('')
  }
})

test('what others count is told', () => {
  expect(value('crosspoint_info', { version: '1.2.3' })).toBe(1)
  expect(value('crosspoint_webhook_events_total', { outcome: 'dropped' })).toBe(3)
  expect(value('crosspoint_access_refused_total', { action: 'publish', code: 'unauthorized' })).toBe(7)
  expect(value('crosspoint_transcode_cores', { what: 'used' })).toBe(0.5)
  expect(value('crosspoint_process_open_fds')).toBeGreaterThan(3)
  expect(value('crosspoint_process_resident_bytes')).toBeGreaterThan(1e7)
})

test('a stream with a reader: rates, sums, latency', async () => {
  const { video } = goLive('live/cam', { nacks: 4, lost: 2, packets: 90 })
  await registry.subscribe('live/cam', memoryEgress({ label: 'rtmp 10.0.0.2:7', accepts }), { start: 'live' })
  for (let i = 0; i < 90; i++) {
    video.write({ ...picture(i), arrival: clock.now() - 2000 })
    clock.advance(1e6 / 30)
  }
  expect(value('crosspoint_streams', { state: 'ready' })).toBe(1)
  expect(value('crosspoint_readers', { protocol: 'rtmp' })).toBe(1)
  expect(value('crosspoint_received_units_total', { kind: 'video' })).toBe(90)
  expect(value('crosspoint_sent_bytes_total', { protocol: 'rtmp' })).toBe(9000)
  expect(value('crosspoint_stream_frames_per_second', { stream: 'live/cam' })).toBeCloseTo(30, 0)
  expect(value('crosspoint_stream_keyframe_interval_seconds', { stream: 'live/cam' })).toBeCloseTo(1, 1)
  expect(value('crosspoint_latency_seconds_bucket', { le: '0.001' })).toBe(0)
  expect(value('crosspoint_latency_seconds_bucket', { le: '0.0025' })).toBe(2)
  expect(value('crosspoint_rtp_nacked_packets_total', { direction: 'in', protocol: 'whip' })).toBe(4)
  expect(value('crosspoint_events_total', { type: 'stream:ready' })).toBe(1)
})

test('counters never fall, whoever comes, goes, and comes again', async () => {
  const before = new Map<string, number>()
  const check = (): void => {
    for (const { name, type, samples } of scrape().values())
      for (const sample of samples) {
        if (type === 'gauge') continue
        const key = `${sample.name} ${JSON.stringify(sample.labels)}`
        expect(sample.value, key).toBeGreaterThanOrEqual(before.get(key) ?? 0)
        before.set(key, sample.value)
        expect(name).toBeDefined()
      }
  }
  for (let round = 0; round < 5; round++) {
    const link = { nacks: 1, lost: 3 }
    const { publication, video } = goLive('live/cam', link)
    check()
    await registry.subscribe('live/cam', memoryEgress({ label: 'whep 10.0.0.2', accepts }), { start: 'live' })
    for (let i = 0; i < 20; i++) video.write(picture(i))
    check()
    // A packet given up came late.
    link.lost = 1
    check()
    const successor = registry.publish('live/cam', { label: 'whip 10.0.0.9', onConflict: 'take-over' })
    check()
    await publication.closed
    check()
    await successor.close()
    check()
  }
  expect(value('crosspoint_received_units_total', { kind: 'video' })).toBe(100)
  expect(value('crosspoint_rtp_nacked_packets_total', { direction: 'in', protocol: 'whip' })).toBe(5)
})

describe('bounds', () => {
  test('of each call codec, jitter, loss, score and round trip; of many only of those that sound worst', () => {
    const labels = { call: 'c1', codec: 'pcmu' }
    expect(value('crosspoint_sip_call_mos', labels)).toBe(4.1)
    expect(value('crosspoint_sip_call_jitter_seconds', labels)).toBe(0.002)
    expect(value('crosspoint_sip_call_received_packets', labels)).toBe(95)
    expect(value('crosspoint_sip_call_lost_packets', labels)).toBe(5)
    expect(value('crosspoint_sip_call_round_trip_seconds', labels)).toBe(0.02)
    expect(value('crosspoint_sip_calls_untold')).toBe(0)
    const scores = [undefined, 4.4, 1.5, 3.9]
    const many = scores.map((mos, i) => call({ id: `m${i}`, media: [{ ...sound, mos }] }))
    const out = new Exposition()
    addCallQuality(out, many, 2)
    const families = readPrometheusText(out.toString())
    const told = families.get('crosspoint_sip_call_mos')!.samples
    expect(told.map(sample => [sample.labels.call, sample.value])).toEqual([
      ['m2', 1.5],
      ['m3', 3.9],
    ])
    expect(families.get('crosspoint_sip_calls_untold')!.samples[0]!.value).toBe(2)
  })

  test('10 000 streams and labels of all kinds make no more series than ten streams do', () => {
    for (let i = 0; i < 10; i++) goLive(`live/${i}`)
    const few = text().split('\n').length
    for (let i = 10; i < 10_000; i++) {
      const publication = registry.publish(`live/${i}`, { label: `x${i} 10.0.0.1`, onConflict: 'reject' })
      publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
      publication.ready()
    }
    const many = text()
    // Labels of publishers are protocols; beyond 32 of them they are one.
    expect(many.split('\n').length).toBeLessThan(few + 40)
    expect(value('crosspoint_streams_untold')).toBe(9990)
    expect(value('crosspoint_streams', { state: 'ready' })).toBe(10_000)
  })

  test('the busiest have series of their own', () => {
    const streams = Array.from({ length: 30 }, (_, i) => goLive(`live/${i}`))
    for (let i = 0; i < 90; i++) {
      for (const [at, { video }] of streams.entries())
        if (at >= 20) video.write({ ...picture(i, vp8, 30, 100 + at), arrival: clock.now() })
      clock.advance(1e6 / 30)
    }
    const shown = scrape()
      .get('crosspoint_stream_readers')!
      .samples.map(({ labels }) => labels.stream)
    expect(shown).toHaveLength(10)
    expect(new Set(shown)).toEqual(new Set(Array.from({ length: 10 }, (_, i) => `live/${i + 20}`)))
  })

  test.each(['a"b', 'a\\', 'a\nb{x="1"} 5', 'ü\u2028', '}', 'le="0"'])(
    'a hostile name stays a label: %j',
    name => {
      const out = new Exposition()
      const info = { name, state: 'ready', tracks: [], subscribers: [] } as unknown as StreamInfo
      addStreams(out, [info], 10)
      const { samples } = readPrometheusText(out.toString()).get('crosspoint_stream_readers')!
      expect(samples).toEqual([{ name: 'crosspoint_stream_readers', labels: { stream: name }, value: 0 }])
    },
  )
})

test('event loop lag is how late a timer is, and stops with the gateway', async () => {
  clock.advance(1_000_000)
  expect(value('crosspoint_event_loop_lag_seconds_count')).toBe(4)
  await scope.close()
  expect(clock.pending).toBe(0)
})

test('calls by state, how they ended, their packets and their quality', () => {
  expect(value('crosspoint_sip_calls', { direction: 'inbound', state: 'live' })).toBe(1)
  expect(value('crosspoint_sip_calls', { direction: 'outbound', state: 'live' })).toBe(0)
  expect(value('crosspoint_sip_calls_ended_total', { direction: 'inbound', outcome: 'busy' })).toBe(1)
  expect(value('crosspoint_sip_calls_ended_total', { direction: 'inbound', outcome: 'answered' })).toBe(1)
  expect(value('crosspoint_sip_call_seconds_total')).toBe(3)
  expect(value('crosspoint_sip_digits_total')).toBe(1)
  expect(value('crosspoint_sip_rtp_packets_total', { direction: 'in' })).toBe(3 * 95)
  expect(value('crosspoint_sip_rtp_lost_packets')).toBe(15)
  expect(value('crosspoint_sip_mos', { of: 'worst' })).toBe(4.1)
  expect(value('crosspoint_sip_accounts', { state: 'registered' })).toBe(1)
  expect(value('crosspoint_sip_signalling_total', { what: 'refused_rate' })).toBe(3)
})
