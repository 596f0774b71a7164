/** What becomes of readers when a stream changes under them: late tracks, other codecs, another publisher. */
import { describe, expect, test } from 'vitest'
import { createRegistry, type RegistryOptions } from '../../../src/core/registry.ts'
import type { Accept, Registry, TrackWriter } from '../../../src/core/types.ts'
import type { Frame, RtpPacket } from '../../../src/media/types.ts'
import { aac, h264, opus, packet, picture, sound, vp8, vp9 } from '../../helpers/core-media.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { type MemoryEgressOptions, memoryEgress } from '../../helpers/memory-egress.ts'

const frames: Accept[] = (['h264', 'vp8'] as const)
  .map((codec): Accept => ({ kind: 'video', codec, form: 'frame' }))
  .concat([{ kind: 'audio', codec: 'aac', form: 'frame' }])
const live = { start: 'live' } as const

const setup = (options: RegistryOptions = {}) => {
  const clock = new ManualClock()
  const registry = createRegistry({ clock, freeze: true, ...options })
  const events: string[] = []
  registry.on('stream:ready', info => void events.push(`ready ${info.publisher}`))
  registry.on('stream:closed', (info, { code }) => void events.push(`closed ${info.publisher} ${code}`))
  const join = async (accepts: Accept[], rest: Partial<MemoryEgressOptions> = {}) => {
    const egress = memoryEgress({ accepts, ...rest })
    return { egress, subscription: await registry.subscribe('live/cam', egress, live) }
  }
  return { clock, registry, events, join }
}
const publish = (registry: Registry, label = 'first') =>
  registry.publish('live/cam', { label, onConflict: 'take-over' })
const reasons = ({ skipped }: { readonly skipped: readonly { reason: string }[] }) =>
  skipped.map(({ reason }) => reason)

describe('late tracks', () => {
  test('are opened where the egress takes them', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    const { egress, subscription } = await join(frames, { takesLateTracks: true })
    video.write(picture(0, h264))
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    await settle()
    audio.write(sound(0))
    video.write(picture(1, h264))
    expect(egress.opened.map(({ open, units }) => [open.track.id, units.length])).toEqual([
      ['video', 2],
      ['audio', 1],
    ])
    expect(subscription.plan.ok && subscription.plan.tracks.length).toBe(2)
  })

  test('are left out by name where it does not, and what is there goes on', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    const { egress, subscription } = await join(frames, { label: 'whep 1.2.3.4' })
    publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    await settle()
    video.write(picture(0, h264))
    expect(egress.frames.length).toBe(1)
    expect(reasons(subscription.plan)).toEqual([
      'audio aac 44100 came after whep 1.2.3.4 was set up, which takes no late tracks',
    ])
  })

  test('several of one turn are one opening', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    publication.addTrack({
      id: 'data',
      native: 'frame',
      params: { codec: 'amf-data', kind: 'data', clockRate: 1000 },
    })
    publication.ready()
    const opens: number[] = []
    const data: Accept = { kind: 'data', codec: 'amf-data', form: 'frame' }
    const onOpen: MemoryEgressOptions['onOpen'] = tracks => void opens.push(tracks.length)
    await join([...frames, data], { takesLateTracks: true, onOpen })
    publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    await settle()
    expect(opens).toEqual([1, 2])
  })

  test('one that comes while the reader opens is not missed', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    const gate = Promise.withResolvers<void>()
    let opens = 0
    const onOpen = () => (opens++ === 0 ? gate.promise : undefined)
    const joining = join(frames, { takesLateTracks: true, onOpen })
    await settle()
    publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    await settle()
    gate.resolve()
    const { egress } = await joining
    expect(egress.opened.map(({ open }) => open.track.id)).toEqual(['video', 'audio'])
  })
})

describe('replan by the egress', () => {
  test('what stays stays, what leaves is let go, what is new is opened', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    publication.ready()
    const { egress, subscription } = await join(frames.slice(0, 1))
    video.write(picture(0, h264))
    const plan = await subscription.replan(frames)
    expect(plan.ok && plan.tracks.map(({ source }) => source)).toEqual(['video', 'audio'])
    video.write(picture(1, h264))
    audio.write(sound(0))
    expect(egress.opened.map(({ units }) => units.length)).toEqual([2, 1])
    await subscription.replan(frames.slice(2))
    expect([video.demand, audio.demand]).toEqual([0, 1])
  })

  test('a wish that nothing meets throws and leaves the plan in force', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    const { egress, subscription } = await join(frames)
    await expect(subscription.replan([{ kind: 'video', codec: 'av1', form: 'frame' }])).rejects.toMatchObject(
      {
        code: 'transcode-unavailable',
      },
    )
    video.write(picture(0, h264))
    expect(egress.frames.length).toBe(1)
  })

  test('the same track in the other form: the new one takes over at a key frame where the sink can', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    publication.ready()
    const accepts: Accept[] = [{ kind: 'video', codec: 'vp8', form: 'rtp', rtp: { maxPayload: 1188 } }]
    const { egress, subscription } = await join(accepts)
    video.write(picture(0))
    await subscription.replan([{ kind: 'video', codec: 'vp8', form: 'rtp', rtp: { maxPayload: 500 } }])
    video.write(picture(30, vp8, 30, 900))
    expect(egress.opened.length).toBe(2)
    expect(egress.opened[1]?.units.length).toBe(2)
  })
})

describe('another codec in mid-stream', () => {
  const change = async (rest: Partial<MemoryEgressOptions>, accepts = frames) => {
    const context = setup()
    const publication = publish(context.registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    const joined = await context.join(accepts, rest)
    for (let i = 0; i < 3; i++) video.write(picture(i, h264))
    video.setParams(vp8)
    await settle()
    for (let i = 3; i < 35; i++) video.write(picture(i, vp8))
    return { ...context, ...joined, video }
  }

  test('is opened anew where the egress takes late tracks, from a key frame on', async () => {
    const { egress, registry, video } = await change({ takesLateTracks: true })
    expect(egress.opened.map(({ open }) => open.track.params.codec)).toEqual(['h264', 'vp8'])
    expect(egress.opened[0]?.units.length).toBe(3)
    expect((egress.opened[1]!.units as Frame[]).map(({ pts }) => pts / 3000)).toEqual([30, 31, 32, 33, 34])
    expect(egress.opened[0]?.open.track.signal.aborted).toBe(true)
    expect(registry.find('live/cam')?.tracks.map(({ params }) => params.codec)).toEqual(['vp8'])
    expect(video.demand).toBe(1)
  })

  test('closes the reader with the reason where it does not', async () => {
    const { subscription } = await change({})
    expect(await subscription.closed).toEqual({
      code: 'replaced',
      detail: 'video h264 1280x720 is now video vp8 640x360',
    })
  })

  test('closes the reader that has no use for it, naming both sides', async () => {
    const { subscription } = await change({ takesLateTracks: true }, frames.slice(0, 1))
    expect(await subscription.closed).toMatchObject({
      code: 'no-common-codec',
      detail: expect.stringContaining('video vp8 640x360 → viewer accepts h264'),
    })
  })

  test('a picture that cannot go on is not left black beside the sound that can', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    publication.ready()
    const { subscription } = await join([frames[0]!, frames[2]!], { takesLateTracks: true })
    video.setParams(vp9)
    expect(await subscription.closed).toMatchObject({
      code: 'no-common-codec',
      detail: expect.stringContaining('video vp9 → viewer accepts h264'),
    })
  })
})

describe('take-over', () => {
  const writeFrames = (writer: TrackWriter<'frame'>, clock: ManualClock, count: number, from = 0) => {
    for (let i = from; i < from + count; i++) {
      writer.write({ ...picture(i, h264), arrival: clock.now() })
      clock.advance(33_333)
    }
  }
  const rising = (values: readonly number[]) => values.every((value, i) => i === 0 || value > values[i - 1]!)

  test('the same codec: readers stay, begin at a key frame, and times go on as the wall clock does', async () => {
    const { clock, registry, events, join } = setup()
    const first = publish(registry)
    const before = first.addTrack({ id: 'video', native: 'frame', params: h264 })
    first.ready()
    const { egress, subscription } = await join(frames)
    writeFrames(before, clock, 45)
    const second = publish(registry, 'second')
    expect(await first.closed).toMatchObject({ code: 'replaced', detail: 'second took live/cam over' })
    clock.advance(1_000_000)
    const after = second.addTrack({ id: 'video', native: 'frame', params: h264 })
    second.ready()
    await settle()
    expect(before.write(picture(46, h264))).toBe(true)
    writeFrames(after, clock, 60, 5)
    expect(egress.opened.length).toBe(1)
    expect(subscription.signal.aborted).toBe(false)
    expect(egress.frames.length).toBe(45 + 35)
    expect(rising(egress.frames.map(({ dts }) => dts))).toBe(true)
    const [last, next] = egress.frames.slice(44, 46)
    expect(next).toMatchObject({ key: true })
    const track = egress.opened[0]!.open.track
    const gap = track.clock.toStreamTime(next!.dts) - track.clock.toStreamTime(last!.dts)
    // One frame, one second without a publisher, and 25 frames before the key frame.
    expect(Math.abs(gap - (1_000_000 + 26 * 33_333))).toBeLessThan(2_000)
    expect(events).toEqual(['ready first', 'closed first replaced', 'ready second'])
    expect(registry.find('live/cam')).toMatchObject({ publisher: 'second', state: 'ready' })
  })

  test('sequence numbers and times of packets go on, in the bytes as well', async () => {
    const { clock, registry, join } = setup()
    const spec = { id: 'video', native: 'rtp', params: vp8, onKeyframeRequest: () => {} } as const
    const first = publish(registry)
    const before = first.addTrack(spec)
    first.ready()
    const { egress } = await join([{ kind: 'video', codec: 'vp8', form: 'rtp' }])
    for (let seq = 65_500; seq < 65_536; seq++) before.write(packet(seq, 3, 1))
    const second = publish(registry, 'second')
    clock.advance(500_000)
    const after = second.addTrack(spec)
    second.ready()
    await settle()
    for (let seq = 90; seq < 120; seq++) after.write(packet(seq, 3, 10))
    const seqs = egress.packets.map(({ seq }) => seq)
    expect(rising(seqs)).toBe(true)
    const cut = seqs.findIndex((seq, i) => i > 0 && seq !== seqs[i - 1]! + 1)
    expect(seqs[cut]! - seqs[cut - 1]!).toBe(2)
    expect(egress.packets[cut]).toMatchObject({ key: true, head: true })
    const stamps = egress.packets.map(({ ts }) => ts)
    expect(stamps.every((ts, i) => i === 0 || ts >= stamps[i - 1]!)).toBe(true)
    for (const one of egress.packets) {
      const view = new DataView(one.bytes.buffer, one.bytes.byteOffset)
      expect([view.getUint16(2), view.getUint32(4)]).toEqual([one.seq & 0xffff, one.ts >>> 0])
    }
  })

  test('sender reports of the new publisher, from another wall clock, do not tear the time line', async () => {
    const { clock, registry, join } = setup()
    const first = publish(registry)
    const before = first.addTrack({ id: 'audio', native: 'frame', params: aac })
    first.ready()
    const { egress } = await join(frames)
    before.write(sound(0))
    before.clock.anchor({ ts: 0, wall: 123_000_000, from: 'sender-report' })
    const second = publish(registry, 'second')
    clock.advance(2_000_000)
    const after = second.addTrack({ id: 'audio', native: 'frame', params: aac })
    second.ready()
    after.clock.anchor({ ts: 441_000, wall: 999_000_000_000, from: 'sender-report' })
    after.write({ ...sound(0), pts: 441_000, dts: 441_000 })
    const { track } = egress.opened[0]!.open
    const times = egress.frames.map(({ dts }) => track.clock.toStreamTime(dts))
    expect(times[0]).toBe(0)
    expect(Math.abs(times[1]! - 2_000_000)).toBeLessThan(100)
    expect(after.clock.toStreamTime(441_000)).toBe(times[1])
  })

  test('another codec: VP8 over WHIP, then H.264 over RTMP: renegotiated, or closed with the reason', async () => {
    const { registry, join } = setup()
    const first = publish(registry, 'whip')
    first.addTrack({ id: 'video', native: 'rtp', params: vp8, onKeyframeRequest: () => {} })
    first.ready()
    const flv = await join(frames, { takesLateTracks: true })
    const whep = await join([{ kind: 'video', codec: 'vp8', form: 'rtp' }])
    const fixed = await join([
      { kind: 'video', codec: 'vp8', form: 'rtp' },
      { kind: 'video', codec: 'h264', form: 'rtp' },
    ])
    const second = publish(registry, 'rtmp')
    const video = second.addTrack({ id: 'video', native: 'frame', params: h264 })
    second.ready()
    await settle()
    video.write(picture(0, h264))
    expect(flv.egress.opened.map(({ open }) => open.track.params.codec)).toEqual(['vp8', 'h264'])
    expect(flv.egress.unitsOf('video').length).toBe(1)
    expect(await whep.subscription.closed).toMatchObject({ code: 'no-common-codec' })
    expect(await fixed.subscription.closed).toMatchObject({ code: 'replaced' })
    expect(registry.find('live/cam')?.tracks.length).toBe(1)
  })

  test('tracks that the new publisher does not send are closed', async () => {
    const { registry, join } = setup()
    const first = publish(registry)
    const audio = { id: 'audio', native: 'frame', params: aac } as const
    first.addTrack({ id: 'video', native: 'frame', params: h264 })
    first.addTrack(audio)
    first.ready()
    const { egress, subscription } = await join(frames)
    const second = publish(registry, 'second')
    second.addTrack(audio)
    second.ready()
    await settle()
    const [video, sound] = egress.opened.map(({ open }) => open.track)
    expect([video?.signal.aborted, sound?.signal.aborted]).toEqual([true, false])
    expect(subscription.plan.ok && subscription.plan.tracks.map(({ source }) => source)).toEqual(['audio'])
  })

  test('a reader to whom nothing is left of what it was given is closed with the reason', async () => {
    const { registry, join } = setup()
    const first = publish(registry)
    first.addTrack({ id: 'audio', native: 'frame', params: aac })
    first.ready()
    const { subscription } = await join(frames)
    const second = publish(registry, 'second')
    second.addTrack({ id: 'video', native: 'frame', params: h264 })
    second.ready()
    expect(await subscription.closed).toMatchObject({ code: 'replaced' })
  })

  test('a new publisher that never gets ready: its readers are told after 10 s', async () => {
    const { clock, registry, events, join } = setup()
    const first = publish(registry)
    first.addTrack({ id: 'video', native: 'frame', params: h264 })
    first.ready()
    const { egress } = await join(frames)
    publish(registry, 'second')
    await clock.advanceAsync(10_000_000, 1_000_000)
    expect(await egress.closed).toEqual({
      code: 'replaced',
      detail: 'second took over and was not ready within 10 s',
    })
    expect(events).toEqual(['ready first', 'closed first replaced'])
  })

  test('a new publisher that leaves before it is ready takes the readers with it', async () => {
    const { clock, registry, events, join } = setup()
    const first = publish(registry)
    first.addTrack({ id: 'video', native: 'frame', params: h264 })
    first.ready()
    const { egress } = await join(frames)
    const second = publish(registry, 'second')
    await second.close({ code: 'failed', detail: 'reset' })
    expect(await egress.closed).toEqual({ code: 'failed', detail: 'reset' })
    expect(registry.find('live/cam')).toBeUndefined()
    expect(events).toEqual(['ready first', 'closed first replaced'])
    expect(clock.pending).toBe(0)
  })

  test('a third in a row: only the present one counts', async () => {
    const { clock, registry, join } = setup()
    const track = { id: 'video', native: 'frame', params: h264 } as const
    const first = publish(registry)
    const writers = [first.addTrack(track)]
    first.ready()
    const { egress } = await join(frames)
    for (const label of ['second', 'third']) {
      const next = publish(registry, label)
      writers.push(next.addTrack(track))
      clock.advance(1_000_000)
      next.ready()
      await settle()
    }
    for (const writer of writers) writer.write(picture(0, h264))
    expect(egress.frames.length).toBe(1)
    await first.close()
    expect(registry.find('live/cam')?.publisher).toBe('third')
  })
})

describe('formats that readers were promised', () => {
  test('an Opus packet reader is not disturbed by a track that has nothing to do with it', async () => {
    const { registry, join } = setup()
    const publication = publish(registry)
    const audio = publication.addTrack({ id: 'audio', native: 'rtp', params: opus })
    publication.ready()
    const { egress } = await join([{ kind: 'audio', codec: 'opus', form: 'rtp' }])
    publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    await settle()
    const one: RtpPacket = packet(1)
    audio.write(one)
    expect(egress.packets).toEqual([one])
    expect(egress.opened.length).toBe(1)
  })
})
