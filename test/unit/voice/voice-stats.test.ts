/** What is told of a transcoded voice: with its track, in words, and as metrics. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { describeStream } from '../../../src/cli/inspect.ts'
import { createRegistry } from '../../../src/core/registry.ts'
import { closable, createScope } from '../../../src/core/scope.ts'
import type { Registry, TrackWriter } from '../../../src/core/types.ts'
import { streamSchema } from '../../../src/http/schemas/stream.ts'
import { streamView } from '../../../src/http/views.ts'
import type { CodecParameters } from '../../../src/media/types.ts'
import { Exposition } from '../../../src/observe/metrics/exposition.ts'
import { addTranscodes } from '../../../src/observe/metrics/transcodes.ts'
import type { VoiceTranscoder } from '../../../src/transcode/voice/voice-transcoder.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { readPrometheusText } from '../../helpers/prometheus-text.ts'
import { createTestVoice, rtpPacket, START_US } from '../../helpers/voice.ts'

const pcmu: CodecParameters = { codec: 'pcmu', kind: 'audio', clockRate: 8000, channels: 1 }
let clock: ManualClock
let transcoder: VoiceTranscoder
let registry: Registry
let writer: TrackWriter<'rtp'>
let seq: number

beforeEach(async () => {
  clock = new ManualClock(START_US)
  transcoder = createTestVoice(clock)
  registry = createRegistry({ clock, transcoders: [transcoder] })
  seq = 0
  const publication = registry.publish('calls/1', { label: 'test', onConflict: 'reject' })
  writer = publication.addTrack({ id: 'audio', native: 'rtp', params: pcmu })
  publication.ready()
  const listener = {
    ...closable(createScope('listener')),
    label: 'listener',
    pressure: { mode: 'realtime' as const },
    accepts: () => [{ kind: 'audio' as const, codec: 'opus' as const, form: 'frame' as const }],
    open: (tracks: readonly unknown[]) =>
      tracks.map(() => ({ form: 'frame' as const, sink: { write: () => undefined } })),
  }
  await registry.subscribe('calls/1', listener, { start: 'live' })
  await settle()
})
afterEach(() => registry.close())

/** 20 ms each; those at `lost` never come. */
const talk = (count: number, lost: readonly number[] = []): void => {
  for (let i = 0; i < count; i++, seq++) {
    clock.advance(20_000)
    if (!lost.includes(i))
      writer.write(rtpPacket(new Uint8Array(160).fill(0x55), seq, seq * 160, clock.now()))
  }
  clock.advance(10_000)
}

const seconds = (name: string, label: Record<string, string>): number | undefined => {
  const out = new Exposition()
  const { running, totals } = transcoder
  addTranscodes(out, { running, voices: totals, budget: { cores: 1, used: 0 } })
  const { samples = [] } = readPrometheusText(out.toString()).get(name) ?? {}
  return samples.find(({ labels }) => Object.entries(label).every(([key, value]) => labels[key] === value))
    ?.value
}

test('what was made up for loss stands with the derived track, in the API and in words', () => {
  talk(100, [50, 51, 70])
  const view = streamSchema.parse(streamView(registry.find('calls/1')!, true))
  const [source, derived] = view.tracks
  expect(source!.stats!.transcode).toBeUndefined()
  expect(derived).toMatchObject({
    derivedFrom: 'audio',
    stats: { transcode: { packetsIn: 97, restarts: 0, dropped: {}, silentMs: 0 } },
  })
  const { concealedMs, latencyMs } = derived!.stats!.transcode!
  expect(concealedMs).toBeGreaterThanOrEqual(60)
  expect(concealedMs).toBeLessThanOrEqual(100)
  expect(describeStream(view)).toContain(
    `transcode delay ${latencyMs.toFixed(1)} ms · jitter 0.0 ms · ${concealedMs} ms concealed`,
  )
})

test('metrics keep what was counted when another job takes over, and when the last is over', async () => {
  const concealed = (): number | undefined =>
    seconds('crosspoint_voice_made_up_seconds_total', { how: 'concealed' })
  talk(100, [50, 51])
  expect(concealed()).toBe(0.04)
  writer.setParams({ ...pcmu, codec: 'pcma' })
  await settle()
  talk(100, [50])
  expect(transcoder.running()).toMatchObject([{ from: 'pcma 8000 Hz', concealedMs: 20 }])
  expect(concealed()).toBe(0.06)
  await registry.close()
  await settle()
  expect(transcoder.running()).toHaveLength(0)
  expect(concealed()).toBe(0.06)
  expect(seconds('crosspoint_voice_dropped_packets_total', { cause: 'late' })).toBe(0)
  expect(seconds('crosspoint_voice_jitter_worst_seconds', {})).toBe(0)
})
