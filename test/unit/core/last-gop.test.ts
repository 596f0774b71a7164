/** Joining at the last group of pictures, where the source cannot be asked for a key frame. */
import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import type { Accept, SubscribeOptions, TrackWriter } from '../../../src/core/types.ts'
import type { Form, RtpPacket } from '../../../src/media/types.ts'
import { aac, countingConverters, opus, packet, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { ManualClock } from '../../helpers/manual-clock.ts'
import { type MemoryEgressOptions, memoryEgress } from '../../helpers/memory-egress.ts'

const rtp = { maxPayload: 1188 }
const toFrames: Accept[] = [
  { kind: 'video', codec: 'vp8', form: 'frame' },
  { kind: 'audio', codec: 'aac', form: 'frame' },
]
const toPackets: Accept[] = [
  { kind: 'video', codec: 'vp8', form: 'rtp', rtp },
  { kind: 'audio', codec: 'opus', form: 'rtp', rtp },
]

const setup = (asks = false) => {
  const clock = new ManualClock()
  const { converters, counts } = countingConverters()
  const registry = createRegistry({ clock, converters, freeze: true })
  const publication = registry.publish('live/cam', { label: 'rtmp', onConflict: 'reject' })
  const onKeyframeRequest = asks ? { onKeyframeRequest: () => {} } : {}
  const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8, ...onKeyframeRequest })
  const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac, ...onKeyframeRequest })
  publication.ready()
  const join = async (
    accepts: Accept[],
    start: SubscribeOptions['start'] = 'last-gop',
    rest: Partial<MemoryEgressOptions> = {},
  ) => {
    const egress = memoryEgress({ accepts, ...rest })
    return { egress, subscription: await registry.subscribe('live/cam', egress, { start }) }
  }
  return { clock, counts, registry, publication, video, audio, join }
}

/** `seconds` of 30 fps video and 44.1 kHz sound, interleaved by time as RTMP does. */
const play = (video: TrackWriter<'frame'>, audio: TrackWriter<'frame'>, seconds: number, gop = 30) => {
  let a = 0
  for (let i = 0; i < seconds * 30; i++) {
    video.write(picture(i, vp8, gop))
    for (; a * 1024 * 30 < (i + 1) * 44_100; a++) audio.write(sound(a))
  }
}

describe('frame readers', () => {
  test('get the last group from its key frame with the sound that belongs to it, by time, then what is live', async () => {
    const { video, audio, join } = setup()
    play(video, audio, 3.5)
    const { egress, subscription } = await join(toFrames)
    const seconds = egress.frames.map(({ dts, params }) => dts / params.clockRate)
    expect(seconds).toEqual([...seconds].sort((x, y) => x - y))
    expect(egress.unitsOf('video').length).toBe(15)
    expect(egress.frames[0]).toMatchObject({ key: true, dts: 90 * 3000 })
    expect(egress.unitsOf('audio').length).toBe(21)
    video.write(picture(105))
    expect(egress.frames.at(-1)?.dts).toBe(105 * 3000)
    expect(subscription.stats).toMatchObject({ units: 37, dropped: 0, waitingForKey: false })
  })

  test('one that breaks on the way is told so as if it had broken later', async () => {
    const { video, audio, join, registry } = setup()
    play(video, audio, 3.5)
    let units = 0
    const onUnit = (): void => {
      if (++units === 5) throw new RangeError('no more')
    }
    await expect(join(toFrames, 'last-gop', { onUnit })).rejects.toMatchObject({
      name: 'GatewayError',
      code: 'closed',
      message: expect.stringContaining('no more'),
    })
    expect(units).toBe(5)
    expect(registry.find('live/cam')?.subscribers).toEqual([])
  })

  test('who starts live waits for the next key frame', async () => {
    const { video, audio, join } = setup()
    play(video, audio, 3.5)
    const { egress } = await join(toFrames, 'live')
    expect(egress.frames).toEqual([])
  })

  test('a source that can be asked keeps nothing', async () => {
    const { video, audio, join } = setup(true)
    play(video, audio, 3.5)
    const { egress } = await join(toFrames)
    expect(egress.frames).toEqual([])
  })

  test('a stream of sound only has no group: it starts live', async () => {
    const { registry, join } = setup()
    const radio = registry.publish('radio', { label: 'rtmp', onConflict: 'reject' })
    const audio = radio.addTrack({ id: 'audio', native: 'frame', params: aac })
    radio.ready()
    for (let i = 0; i < 100; i++) audio.write(sound(i))
    const egress = memoryEgress({ accepts: toFrames })
    await registry.subscribe('radio', egress, { start: 'last-gop' })
    expect(egress.frames).toEqual([])
    expect(join).toBeDefined()
  })

  test('the burst does not count as slowness', async () => {
    const { video, audio, join } = setup()
    play(video, audio, 3.9)
    let backlog = 0
    const pressure = { mode: 'drop-to-key', highWater: 1000, giveUpMs: 1000 } as const
    const { egress, subscription } = await join(toFrames, 'last-gop', {
      pressure,
      backlog: () => backlog,
      onUnit: () => {
        backlog += 100
      },
    })
    const burst = egress.frames.length
    expect(backlog).toBeGreaterThan(2000)
    video.write(picture(117))
    expect(egress.frames.length).toBe(burst + 1)
    expect(subscription.stats.dropped).toBe(0)
  })

  test('a group larger than 8 MiB is not kept: the reader waits for the next', async () => {
    const { video, join } = setup()
    for (let i = 0; i < 30; i++) video.write(picture(i, vp8, 100, 400_000))
    const { egress } = await join(toFrames)
    expect(egress.frames).toEqual([])
  })

  test('the next publisher does not hand out the pictures of the one before', async () => {
    const { registry, video, audio, join } = setup()
    play(video, audio, 2.5)
    const second = registry.publish('live/cam', { label: 'second', onConflict: 'take-over' })
    second.addTrack({ id: 'video', native: 'frame', params: vp8 })
    second.ready()
    const { egress } = await join(toFrames)
    expect(egress.frames).toEqual([])
  })
})

describe('sound without a picture', () => {
  test('is not kept; with one it is, from then on', async () => {
    const { registry } = setup()
    const publication = registry.publish('radio', { label: 'a', onConflict: 'reject' })
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    publication.ready()
    const egress = memoryEgress({ accepts: toFrames })
    await registry.subscribe('radio', egress, { start: 'live' })
    const { track } = egress.opened[0]!.open
    for (let i = 0; i < 50; i++) audio.write(sound(i))
    expect(track.frames().kept).toEqual([])
    publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    for (let i = 50; i < 60; i++) audio.write(sound(i))
    expect(track.frames().kept).toHaveLength(10)
  })
})

describe('packet readers', () => {
  test('get the group as packets from its IDR, the first reader as well as the next, packetised once', async () => {
    const { video, audio, counts, join } = setup()
    play(video, audio, 1.5)
    const [first, second] = [await join(toPackets), await join(toPackets)]
    expect(first.egress.packets.length).toBe(15)
    expect(first.egress.packets[0]).toMatchObject({ key: true, head: true })
    expect(second.egress.packets).toEqual(first.egress.packets)
    video.write(picture(45))
    const seqs = first.egress.packets.map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.map((_, i) => seqs[0]! + i))
    expect(counts).toMatchObject({ packetisers: 1, packetised: 16 })
    const { track } = first.egress.opened[0]!.open
    // Those of the group too, which were sent before anybody asked.
    track.packets(rtp).remember()
    expect(track.packets(rtp).lookup(seqs[3]!)).toBe(first.egress.packets[3])
  })

  test('sound of the past is not sent', async () => {
    const { registry } = setup()
    const publication = registry.publish('b', { label: 'b', onConflict: 'reject' })
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: opus })
    publication.ready()
    for (let i = 0; i < 20; i++) {
      video.write(picture(i))
      audio.write(sound(i, opus, 960))
    }
    const egress = memoryEgress({ accepts: toPackets })
    await registry.subscribe('b', egress, { start: 'last-gop' })
    expect([egress.unitsOf('video').length, egress.unitsOf('audio').length]).toEqual([20, 0])
  })

  test('of a packet source that cannot be asked: its own packets; frame readers get them assembled', async () => {
    const { registry, counts } = setup()
    const feed = memoryEgress({ accepts: toPackets })
    const source = setup()
    await source.registry.subscribe('live/cam', feed, { start: 'live' })
    play(source.video, source.audio, 2.5)
    const publication = registry.publish('cam', { label: 'rtp', onConflict: 'reject' })
    const video = publication.addTrack({ id: 'video', native: 'rtp' as Form & 'rtp', params: vp8 })
    publication.ready()
    for (const one of feed.packets as RtpPacket[]) video.write(one)
    const [packets, frames] = [memoryEgress({ accepts: toPackets }), memoryEgress({ accepts: toFrames })]
    await registry.subscribe('cam', packets, { start: 'last-gop' })
    expect(counts.depacketisers).toBe(0)
    expect(packets.packets.length).toBe(15)
    expect(packets.packets[0]).toMatchObject({ key: true, ts: 60 * 3000 })
    await registry.subscribe('cam', frames, { start: 'last-gop' })
    expect(frames.frames.map(({ pts }) => pts / 3000)).toEqual(Array.from({ length: 15 }, (_, i) => 60 + i))
  })

  test('live packets of a source that can be asked start at the next key picture', async () => {
    const { registry } = setup()
    const publication = registry.publish('cam', { label: 'whip', onConflict: 'reject' })
    const onKeyframeRequest = () => {}
    const video = publication.addTrack({ id: 'video', native: 'rtp', params: vp8, onKeyframeRequest })
    publication.ready()
    for (let seq = 0; seq < 50; seq++) video.write(packet(seq))
    const egress = memoryEgress({ accepts: toPackets })
    await registry.subscribe('cam', egress, { start: 'last-gop' })
    for (let seq = 50; seq < 70; seq++) video.write(packet(seq))
    expect(egress.packets[0]?.seq).toBe(60)
  })
})
