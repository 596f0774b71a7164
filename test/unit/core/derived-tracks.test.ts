import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import { resolveTarget, targetParams } from '../../../src/core/target.ts'
import type { Accept, CloseReason, NegotiatePolicy } from '../../../src/core/types.ts'
import { parseAudioSpecificConfig } from '../../../src/media/aac/config.ts'
import type { Frame } from '../../../src/media/types.ts'
import { aac, countingConverters, h264, opus, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { type FakeTranscoderOptions, fakeTranscoder } from '../../helpers/fake-transcoder.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { type MemoryEgressOptions, memoryEgress } from '../../helpers/memory-egress.ts'

const rtp = { maxPayload: 1188 }
const toOpus: Accept = { kind: 'audio', codec: 'opus', form: 'rtp', rtp }
const toVp8: Accept = { kind: 'video', codec: 'vp8', form: 'frame' }
const live = { start: 'live' } as const

const setup = (options: FakeTranscoderOptions = {}, bFrames: NegotiatePolicy['bFrames'] = 'drop') => {
  const clock = new ManualClock()
  const transcoder = fakeTranscoder(options)
  const { converters, counts } = countingConverters()
  const registry = createRegistry({
    clock,
    transcoders: [transcoder],
    converters,
    freeze: true,
    policy: { bFrames },
  })
  const publication = registry.publish('live/cam', { label: 'source', onConflict: 'reject' })
  const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
  const join = async (accepts: Accept[], rest: Partial<MemoryEgressOptions> = {}) => {
    const egress = memoryEgress({ accepts, ...rest })
    return { egress, subscription: await registry.subscribe('live/cam', egress, live) }
  }
  return { clock, transcoder, counts, registry, publication, audio, join }
}

describe('transcoded tracks', () => {
  test('two viewers, one job; listed with the parent; stopped 5 s after the last', async () => {
    const { clock, transcoder, registry, publication, audio, join } = setup()
    publication.ready()
    const [a, b] = [await join([toOpus]), await join([toOpus])]
    expect(transcoder.jobs.length).toBe(1)
    expect(transcoder.jobs[0]?.to).toMatchObject({ codec: 'opus', sampleRate: 48_000, channels: 2 })
    for (let i = 0; i < 10; i++) audio.write(sound(i))
    expect(a.egress.packets.length).toBe(10)
    expect(b.egress.packets).toEqual(a.egress.packets)
    expect(registry.find('live/cam')?.tracks[1]).toMatchObject({
      id: 'audio:opus-48000-2',
      derivedFrom: 'audio',
      native: 'frame',
      params: { codec: 'opus', clockRate: 48_000 },
      stats: { units: 10, derived: ['packetise 1188'] },
    })
    await a.subscription.close()
    clock.advance(60_000_000)
    await b.subscription.close()
    clock.advance(4_900_000)
    expect(transcoder.jobs[0]?.closed).toBe(false)
    const back = await join([toOpus])
    clock.advance(60_000_000)
    await back.subscription.close()
    clock.advance(5_000_000)
    await settle()
    expect(transcoder.jobs.map(({ closed }) => closed)).toEqual([true])
    expect(registry.find('live/cam')?.tracks.length).toBe(1)
    expect(audio.demand).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('it is told why each ended: nobody read it, its source ended, it gave up', async () => {
    const { clock, transcoder, registry, publication, join } = setup()
    const told: (string | CloseReason)[] = []
    registry.on('transcode:started', (_, { track }) => told.push(track))
    registry.on('transcode:stopped', (_, { track }, reason) => told.push(track, reason))
    publication.ready()
    const unread = await join([toOpus])
    await unread.subscription.close()
    clock.advance(5_000_000)
    await settle()
    const leftAlone = { code: 'subscriber-left', detail: 'its last reader left 5 s ago' }
    expect(told.splice(0)).toEqual(['audio:opus-48000-2', 'audio:opus-48000-2', leftAlone])
    await join([toOpus])
    await transcoder.jobs[1]!.end({ code: 'failed', detail: 'it broke six times' })
    await settle()
    const broken = { code: 'failed', detail: 'it broke six times' }
    expect(told.splice(0)).toEqual(['audio:opus-48000-2', 'audio:opus-48000-2', broken])
    await join([toOpus])
    await publication.close({ code: 'source-ended', detail: 'end of file' })
    await settle()
    const sourceEnded = { code: 'source-ended', detail: 'end of file' }
    expect(told.splice(0)).toEqual(['audio:opus-48000-2', 'audio:opus-48000-2', sourceEnded])
    expect(transcoder.jobs.map(({ reason }) => reason)).toEqual([leftAlone, broken, sourceEnded])
  })

  test('their times are on the time line of the source', async () => {
    const { publication, audio, join } = setup()
    publication.ready()
    const { egress } = await join([toOpus])
    for (let i = 100; i < 103; i++) audio.write(sound(i))
    const { clock } = egress.opened[0]!.open.track
    expect(egress.packets.map(({ ts }) => clock.toStreamTime(ts) / 1000)).toEqual([
      expect.closeTo(0, 1),
      expect.closeTo(23.2, 1),
      expect.closeTo(46.4, 1),
    ])
  })

  test('other targets are other jobs', async () => {
    const { transcoder, publication, join } = setup()
    publication.ready()
    await join([toOpus])
    await join([{ kind: 'audio', codec: 'pcmu', form: 'rtp', rtp: { maxPayload: 160 } }])
    await join([{ kind: 'audio', codec: 'aac', form: 'frame', sampleRate: 48_000 }])
    expect(transcoder.jobs.map(({ to }) => [to.codec, to.sampleRate, to.channels])).toEqual([
      ['opus', 48_000, 2],
      ['pcmu', 8_000, 1],
      ['aac', 48_000, 2],
    ])
  })

  test('a job that does not start: the track is left out by name, or nothing is left and all is refused', async () => {
    const opens = () => {
      throw new Error('ffmpeg is not installed')
    }
    const { registry, publication, join } = setup({
      opens,
      cost: (_, to) => (to.kind === 'audio' ? 1 : undefined),
    })
    publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    publication.ready()
    await expect(join([toOpus])).rejects.toMatchObject({
      code: 'transcode-unavailable',
      message: expect.stringContaining(
        '; audio aac 44100 → opus: fake did not start: ffmpeg is not installed',
      ),
    })
    const { subscription } = await join([toOpus, toVp8])
    expect(subscription.plan).toMatchObject({
      ok: true,
      tracks: [{ source: 'video' }],
      skipped: [{ source: 'audio', reason: expect.stringContaining('ffmpeg is not installed') }],
    })
    expect(registry.find('live/cam')?.tracks.map(({ id }) => id)).toEqual(['audio', 'video'])
  })

  test('a job that gives up: sound is left out and named, picture goes on; alone it ends the viewer', async () => {
    const { transcoder, publication, join, audio } = setup({
      cost: (_, to) => (to.kind === 'audio' ? 1 : undefined),
    })
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    publication.ready()
    const both = await join([toOpus, toVp8])
    const alone = await join([toOpus])
    await transcoder.jobs[0]?.end({ code: 'failed', detail: 'ffmpeg left 5 times in 60 s' })
    expect(await alone.subscription.closed).toMatchObject({
      code: 'failed',
      detail: 'audio aac 44100 → opus: failed: ffmpeg left 5 times in 60 s',
    })
    video.write(picture(0))
    expect(both.egress.frames.length).toBe(1)
    expect(both.subscription.plan.skipped).toEqual([
      { source: 'audio', reason: 'audio aac 44100 → opus: failed: ffmpeg left 5 times in 60 s' },
    ])
    const again = await join([toOpus])
    expect(transcoder.jobs.length).toBe(2)
    audio.write(sound(0))
    expect(again.egress.packets.length).toBe(1)
  })

  test('the end of the stream ends the job, with the last viewer or without', async () => {
    const { clock, transcoder, publication, join } = setup()
    publication.ready()
    const { subscription } = await join([toOpus])
    await subscription.close()
    await publication.close()
    expect(transcoder.jobs[0]?.closed).toBe(true)
    expect(clock.pending).toBe(0)
  })

  test('a viewer that leaves while the job starts leaves nothing behind', async () => {
    const gate = Promise.withResolvers<void>()
    const { clock, transcoder, registry, publication } = setup({ opens: () => gate.promise })
    publication.ready()
    const controller = new AbortController()
    const joining = registry.subscribe('live/cam', memoryEgress({ accepts: [toOpus] }), {
      ...live,
      signal: controller.signal,
    })
    const refused = expect(joining).rejects.toMatchObject({ code: 'closed' })
    await settle()
    controller.abort()
    gate.resolve()
    await refused
    clock.advance(5_000_000)
    await settle()
    expect(transcoder.jobs.map(({ closed }) => closed)).toEqual([true])
    expect(registry.find('live/cam')?.tracks.length).toBe(1)
  })

  test('key frames are asked of the job if it can, else of the source', async () => {
    for (const keyframes of [true, false]) {
      let asked = 0
      const { transcoder, publication, join } = setup({ keyframes })
      const onKeyframeRequest = () => void asked++
      publication.addTrack({ id: 'video', native: 'frame', params: h264, onKeyframeRequest })
      publication.ready()
      const { egress } = await join([toVp8])
      egress.opened[0]?.open.track.requestKeyframe()
      expect([transcoder.jobs[0]?.keyframeRequests, asked]).toEqual(keyframes ? [1, 0] : [0, 1])
    }
  })

  test("what the transcoder says of its parameters is the track's", async () => {
    const { transcoder, publication, registry, join } = setup()
    publication.ready()
    await join([toOpus])
    const params = { ...opus, fmtp: 'useinbandfec=1' }
    transcoder.jobs[0]?.out.setParams(params)
    expect(registry.find('live/cam')?.tracks[1]?.params).toBe(params)
  })
})

describe('the wish filled in, and the first parameters', () => {
  const target = (accept: Accept) => resolveTarget(aac, accept)
  test.each<[Accept, number | undefined, number | undefined]>([
    [{ kind: 'audio', codec: 'opus', form: 'rtp' }, 48_000, 2],
    [{ kind: 'audio', codec: 'opus', form: 'rtp', channels: 1 }, 48_000, 1],
    [{ kind: 'audio', codec: 'aac', form: 'frame' }, 44_100, 2],
    [{ kind: 'audio', codec: 'pcma', form: 'rtp' }, 8_000, 1],
    [{ kind: 'audio', codec: 'pcmu', form: 'rtp', channels: 2 }, 8_000, 2],
    [{ kind: 'video', codec: 'vp8', form: 'rtp' }, undefined, undefined],
  ])('%j', (accept, sampleRate, channels) => {
    expect([target(accept).sampleRate, target(accept).channels]).toEqual([sampleRate, channels])
  })

  test('AAC has a config that says so', () => {
    const params = targetParams(resolveTarget(opus, { kind: 'audio', codec: 'aac', form: 'frame' }))
    expect(params.codec === 'aac' && parseAudioSpecificConfig(params.config)).toMatchObject({
      sampleRate: 48_000,
      channels: 2,
    })
  })

  test.each([
    'opus',
    'aac',
    'pcmu',
    'pcma',
    'g722',
    'l16',
    'mp3',
    'h264',
    'h265',
    'av1',
    'vp8',
    'vp9',
  ] as const)('%s', codec => {
    const kind = ['h264', 'h265', 'av1', 'vp8', 'vp9'].includes(codec) ? 'video' : 'audio'
    const params = targetParams(resolveTarget(kind === 'audio' ? opus : vp8, { kind, codec, form: 'frame' }))
    expect(params).toMatchObject({ codec, kind })
    expect(params.clockRate).toBeGreaterThan(0)
  })
})

describe('tracks without B-frames', () => {
  const reordered = { ...h264, reordered: true, maxReorder: 1 }
  const toWebRtc: Accept = { kind: 'video', codec: 'h264', form: 'rtp', rtp, reordered: false }
  /** I P B P B P B …, decode order; `reference` makes the B-frames references. */
  const coded = (i: number, reference = false): Frame => {
    const isB = i > 0 && i % 2 === 0
    const shown = i === 0 ? 0 : isB ? i - 1 : i + 1
    const unit = new Uint8Array(50).fill(i)
    unit[0] = i === 0 ? 0x65 : isB && !reference ? 0x01 : 0x41
    return { ...picture(i, reordered), units: [unit], pts: shown * 3000, key: i === 0 }
  }

  test('non-reference B-frames are left out once for all viewers, and counted', async () => {
    const { registry, publication, counts, join } = setup()
    const video = publication.addTrack({ id: 'video', native: 'frame', params: reordered })
    publication.ready()
    const [a, b] = [await join([toWebRtc]), await join([toWebRtc])]
    for (let i = 0; i < 20; i++) video.write(coded(i))
    const stamps = [...new Set(a.egress.packets.map(({ ts }) => ts))]
    expect(stamps).toEqual([...stamps].sort((x, y) => x - y))
    expect(stamps.length).toBe(11)
    expect(b.egress.packets).toEqual(a.egress.packets)
    expect(counts).toMatchObject({ filters: 1, packetisers: 1 })
    const derived = registry.find('live/cam')?.tracks.find(({ id }) => id === 'video:no-b-frames')
    expect(derived).toMatchObject({
      derivedFrom: 'video',
      params: { reordered: false },
      stats: { damage: { 'b-frame': 9 } },
    })
  })

  test('B-frames that others refer to: the picture is never damaged, the viewer is closed with the reason', async () => {
    const { publication, join } = setup({ cost: () => undefined })
    const video = publication.addTrack({
      id: 'video',
      native: 'frame',
      params: { ...reordered, maxReorder: undefined },
    })
    publication.ready()
    const { egress, subscription } = await join([toWebRtc])
    for (let i = 0; i < 3; i++) video.write(coded(i, true))
    expect(egress.packets.every(({ ts }) => ts !== 3000)).toBe(true)
    expect(await subscription.closed).toMatchObject({
      detail: expect.stringContaining('refer to its B-frames'),
    })
    await expect(join([toWebRtc])).rejects.toMatchObject({
      code: 'b-frames',
      message: expect.stringContaining('2 deep'),
    })
  })

  test('B-frames that turn up later: the viewer goes on without them, told to re-base', async () => {
    const { publication, join } = setup()
    const silent = { ...h264, reordered: undefined, maxReorder: undefined }
    const video = publication.addTrack({ id: 'video', native: 'frame', params: silent })
    publication.ready()
    const { egress, subscription } = await join([toWebRtc], { retargets: true })
    video.write(picture(0, silent))
    video.write(picture(1, silent))
    expect(egress.packets.length).toBeGreaterThan(0)
    video.setParams({ ...silent, reordered: true })
    await settle()
    video.write({ ...picture(2, silent), pts: 2 * 3000 })
    expect(egress.opened[0]?.retargets).toBe(0)
    const before = egress.packets.length
    video.write({ ...picture(30, silent), key: true })
    expect(egress.opened.length).toBe(1)
    expect(egress.opened[0]).toMatchObject({ retargets: 1, open: { track: { id: 'video:no-b-frames' } } })
    expect(egress.packets.length).toBeGreaterThan(before)
    expect(subscription.plan.ok && subscription.plan.tracks[0]?.steps.map(({ op }) => op)).toEqual([
      'drop-b-frames',
      'packetise',
    ])
  })

  test('a second change before the first has taken effect: one feed writes at a time', async () => {
    const { clock, publication, join } = setup()
    const silent = { ...h264, reordered: undefined, maxReorder: undefined }
    const video = publication.addTrack({ id: 'video', native: 'frame', params: silent })
    publication.ready()
    const { egress } = await join([toWebRtc], { retargets: true })
    video.write(picture(0, silent))
    for (const params of [
      { ...silent, reordered: true },
      { ...silent, reordered: false },
      { ...silent, reordered: true },
    ]) {
      video.setParams(params)
      await settle()
    }
    for (let i = 29; i < 35; i++) video.write(picture(i, silent))
    expect(egress.opened[0]?.retargets).toBe(1)
    expect(egress.packets.map(({ ts }) => ts / 3000).filter(ts => ts >= 30)).toEqual([30, 30, 31, 32, 33, 34])
    clock.advance(5_000_000)
    expect(video.demand).toBe(1)
  })

  test('where the sink cannot re-base, the viewer is closed with the reason', async () => {
    const { publication, join } = setup()
    const silent = { ...h264, reordered: undefined, maxReorder: undefined }
    const video = publication.addTrack({ id: 'video', native: 'frame', params: silent })
    publication.ready()
    const { subscription } = await join([toWebRtc])
    video.setParams({ ...silent, reordered: true })
    expect(await subscription.closed).toMatchObject({ code: 'replaced' })
  })

  test('with policy reject the viewer is closed with the reason when B-frames turn up', async () => {
    const { publication, join } = setup({ cost: () => undefined }, 'reject')
    const silent = { ...h264, reordered: undefined, maxReorder: undefined }
    const video = publication.addTrack({ id: 'video', native: 'frame', params: silent })
    publication.ready()
    const { subscription } = await join([toWebRtc])
    video.setParams({ ...silent, reordered: true })
    expect(await subscription.closed).toMatchObject({
      code: 'no-common-codec',
      detail: expect.stringContaining('it has B-frames, which are refused'),
    })
  })
})
