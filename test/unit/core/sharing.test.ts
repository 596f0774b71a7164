/** What is derived is derived once, lives as long as it is wanted, and is written by nobody. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import type { Accept, Pressure, RtpFeed } from '../../../src/core/types.ts'
import type { Form, Frame, RtpPacket } from '../../../src/media/types.ts'
import { countingConverters, h264, packet, picture, vp8 } from '../../helpers/core-media.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { memoryEgress } from '../../helpers/memory-egress.ts'

const wish = (form: Form, maxPayload = 1188, codec: 'vp8' | 'h264' = 'vp8'): Accept[] => [
  { kind: 'video', codec, form, rtp: { maxPayload } },
]
const live = { start: 'live' } as const

const setup = (native: Form, onKeyframeRequest?: () => void) => {
  const clock = new ManualClock()
  const { converters, counts } = countingConverters()
  const registry = createRegistry({ clock, converters, freeze: true })
  const publication = registry.publish('live/cam', { label: 'source', onConflict: 'reject' })
  const params = native === 'frame' ? vp8 : { ...vp8 }
  const rtp = { maxPayload: 1188 }
  const video = publication.addTrack({
    id: 'video',
    native,
    params,
    rtp,
    ...(onKeyframeRequest !== undefined && { onKeyframeRequest }),
  })
  publication.ready()
  return { clock, counts, registry, publication, video }
}

describe('one converter for all', () => {
  test('100 packet readers of a frame stream: packetiser calls = frames', async () => {
    const { registry, video, counts } = setup('frame')
    const viewers = Array.from({ length: 100 }, (_, i) =>
      memoryEgress({ label: `viewer ${i}`, accepts: wish('rtp') }),
    )
    for (const egress of viewers) await registry.subscribe('live/cam', egress, live)
    for (let i = 0; i < 90; i++) video.write(picture(i, vp8, 30, 3000))
    expect(counts).toMatchObject({ packetisers: 1, packetised: 90 })
    const packets = viewers[0]!.packets
    expect(packets.length).toBe(90 * 3)
    for (const egress of viewers)
      expect(egress.packets.every((one, i) => one === packets[i]) && egress.packets.length).toBe(270)
  })

  test('other profiles are other packetisers, one each', async () => {
    const { registry, video, counts } = setup('frame')
    for (const maxPayload of [1188, 500, 1188, 500])
      await registry.subscribe('live/cam', memoryEgress({ accepts: wish('rtp', maxPayload) }), live)
    for (let i = 0; i < 10; i++) video.write(picture(i))
    expect(counts).toMatchObject({ packetisers: 2, packetised: 20 })
    expect(registry.find('live/cam')?.tracks[0]?.stats?.derived).toEqual(['packetise 1188', 'packetise 500'])
  })

  test('a stream of packets with packet readers only makes no frame', async () => {
    const { registry, video, counts } = setup('rtp', () => {})
    for (let i = 0; i < 10; i++)
      await registry.subscribe('live/cam', memoryEgress({ accepts: wish('rtp') }), live)
    for (let seq = 0; seq < 900; seq++) video.write(packet(seq, 3))
    expect(counts).toEqual({ packetisers: 0, packetised: 0, depacketisers: 0, frames: 0, filters: 0 })
  })

  test('frame readers of a packet stream share one depacketiser; repacketising readers too', async () => {
    const { registry, video, counts } = setup('rtp', () => {})
    const source = setup('frame')
    const sender = memoryEgress({ accepts: wish('rtp', 1188) })
    await source.registry.subscribe('live/cam', sender, live)
    for (let i = 0; i < 30; i++) source.video.write(picture(i, vp8, 30, 2500))
    const frames = [memoryEgress({ accepts: wish('frame') }), memoryEgress({ accepts: wish('frame') })]
    const small = memoryEgress({ accepts: wish('rtp', 600) })
    for (const egress of [...frames, small]) await registry.subscribe('live/cam', egress, live)
    for (const one of sender.packets) video.write(one)
    expect(counts).toMatchObject({ packetisers: 1, packetised: 30, depacketisers: 1, frames: 30 })
    expect(frames.map(({ frames: { length } }) => length)).toEqual([30, 30])
    expect(frames[0]!.frames[7]).toBe(frames[1]!.frames[7])
    expect(Math.max(...small.packets.map(one => one.payloadEnd - one.payloadStart))).toBeLessThanOrEqual(600)
  })
})

describe('lifetime', () => {
  test('a converter is made by the first reader and dropped 5 s after the last', async () => {
    const { registry, clock, counts, video } = setup('frame')
    const stats = () => registry.find('live/cam')?.tracks[0]?.stats?.derived
    const join = () => registry.subscribe('live/cam', memoryEgress({ accepts: wish('rtp') }), live)
    expect(stats()).toEqual([])
    const first = await join()
    const second = await join()
    await first.close()
    clock.advance(60_000_000)
    await second.close()
    clock.advance(4_900_000)
    expect(stats()).toEqual(['packetise 1188'])
    await (await join()).close()
    expect(counts.packetisers).toBe(1)
    clock.advance(5_000_000)
    expect(stats()).toEqual([])
    expect(video.demand).toBe(0)
    await join()
    expect(counts.packetisers).toBe(2)
  })

  test('no timer is left when the stream ends', async () => {
    const { registry, clock, publication } = setup('rtp', () => {})
    const subscription = await registry.subscribe('live/cam', memoryEgress({ accepts: wish('frame') }), live)
    expect(clock.pending).toBeGreaterThan(0)
    await publication.close()
    await subscription.closed
    expect(clock.pending).toBe(0)
  })

  test('the depacketiser is polled by the clock: a gap is given up without another packet', async () => {
    let asked = 0
    const { registry, clock, video } = setup('rtp', () => void asked++)
    const sender = memoryEgress({ accepts: wish('rtp') })
    const source = setup('frame')
    await source.registry.subscribe('live/cam', sender, live)
    for (let i = 0; i < 5; i++) source.video.write({ ...picture(i), arrival: clock.now() })
    const egress = memoryEgress({ accepts: wish('frame') })
    await registry.subscribe('live/cam', egress, live)
    const [a, , c] = sender.packets
    video.write(a!)
    video.write(c!)
    const before = asked
    await clock.advanceAsync(2_000_000, 20_000)
    expect(registry.find('live/cam')?.tracks[0]?.stats?.damage).toMatchObject({ lost: 1 })
    expect(asked).toBeGreaterThan(before)
  })
})

describe('published units', () => {
  const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
  const bytesOf = (unit: Frame | RtpPacket): string[] =>
    'units' in unit ? unit.units.map(digest) : [digest(unit.bytes)]

  test('are frozen, and their bytes are as they were after every conversion', async () => {
    const { registry, video } = setup('frame')
    const sinks = [memoryEgress({ accepts: wish('frame') }), memoryEgress({ accepts: wish('rtp', 500) })]
    for (const egress of sinks) await registry.subscribe('live/cam', egress, live)
    const frames = Array.from({ length: 30 }, (_, i) => picture(i, vp8, 30, 2000))
    const before = frames.map(bytesOf)
    for (const frame of frames) video.write(frame)
    expect(frames.every(frame => Object.isFrozen(frame) && Object.isFrozen(frame.units))).toBe(true)
    expect(frames.map(bytesOf)).toEqual(before)
    expect(sinks[0]!.frames.every((frame, i) => frame === frames[i])).toBe(true)
  })

  test('a reader that writes into one fails alone', async () => {
    const { registry, video } = setup('frame')
    const onUnit = (unit: Frame | RtpPacket): void => {
      ;(unit as { pts: number }).pts = 0
    }
    const [vandal, good] = [
      memoryEgress({ accepts: wish('frame'), onUnit }),
      memoryEgress({ accepts: wish('frame') }),
    ]
    const subscription = await registry.subscribe('live/cam', vandal, live)
    await registry.subscribe('live/cam', good, live)
    video.write(picture(0))
    video.write(picture(1))
    expect(await subscription.closed).toMatchObject({ code: 'failed' })
    expect(good.frames.map(({ pts }) => pts)).toEqual([0, 3000])
  })
})

describe('one retransmission history', () => {
  test('of the packet feed that a reader is on, native or derived', async () => {
    for (const native of ['frame', 'rtp'] as const) {
      const { registry, video } = setup(native)
      const egress = memoryEgress({ accepts: wish('rtp') })
      await registry.subscribe('live/cam', egress, live)
      const feed: RtpFeed = egress.opened[0]!.open.track.packets({ maxPayload: 1188 })
      feed.remember()
      for (let i = 0; i < 100; i++)
        video.write(native === 'frame' ? (picture(i) as never) : (packet(i) as never))
      for (const one of egress.packets.slice(-50)) expect(feed.lookup(one.seq)).toBe(one)
    }
  })
})

describe('slow readers', () => {
  const toKey: Pressure = { mode: 'drop-to-key', highWater: 1000, giveUpMs: 5000 }

  test('one drops to the next key frame and gives up with numbers; the others miss nothing', async () => {
    const { registry, clock, video } = setup('frame')
    let backlog = 0
    const slow = memoryEgress({
      label: 'slow',
      accepts: wish('frame'),
      pressure: toKey,
      backlog: () => backlog,
    })
    const good = memoryEgress({ label: 'good', accepts: wish('frame'), pressure: toKey, backlog: () => 0 })
    const subscription = await registry.subscribe('live/cam', slow, live)
    await registry.subscribe('live/cam', good, live)
    for (let i = 0; i < 65; i++) {
      if (i === 10) backlog = 2000
      if (i === 20) backlog = 0
      video.write(picture(i))
    }
    expect(slow.frames.map(({ pts }) => pts / 3000)).toEqual([
      ...Array.from({ length: 10 }, (_, i) => i),
      ...Array.from({ length: 35 }, (_, i) => 30 + i),
    ])
    expect(subscription.stats.droppedBy).toEqual({ 'waiting-for-key': 10, slow: 10 })
    backlog = 5000
    video.write(picture(65))
    clock.advance(5_000_000)
    video.write(picture(66))
    expect(await subscription.closed).toMatchObject({
      code: 'slow-subscriber',
      detail: 'slow was too slow for 5000 ms: 5000 bytes wait, 1000 may',
    })
    await slow.closed
    expect(slow.reason?.code).toBe('slow-subscriber')
    expect(good.frames.length).toBe(67)
  })

  test('a lossless one asks the source to wait, and is told when it has caught up', async () => {
    const { registry, clock, video } = setup('frame')
    let backlog = 0
    const pressure: Pressure = { mode: 'lossless', highWater: 1000 }
    const recorder = memoryEgress({ accepts: wish('frame'), pressure, backlog: () => backlog })
    const subscription = await registry.subscribe('live/cam', recorder, live)
    expect(video.write(picture(0))).toBe(true)
    backlog = 600
    expect(video.write(picture(1))).toBe(false)
    let drained = false
    void video.drained().then(() => {
      drained = true
    })
    await clock.advanceAsync(50_000, 5_000)
    expect(drained).toBe(false)
    backlog = 500
    await clock.advanceAsync(10_000, 5_000)
    expect(drained).toBe(true)
    expect(recorder.frames.length).toBe(2)
    backlog = 1001
    video.write(picture(2))
    expect(await subscription.closed).toMatchObject({ code: 'slow-subscriber' })
    backlog = 5000
    expect(video.write(picture(3))).toBe(true)
  })

  test('the source of a lossless reader on a derived feed waits too; a source that ends is not kept waiting', async () => {
    const { registry, clock, video, publication } = setup('frame')
    const pressure: Pressure = { mode: 'lossless', highWater: 1000 }
    const recorder = memoryEgress({ accepts: wish('rtp'), pressure, backlog: () => 600 })
    await registry.subscribe('live/cam', recorder, live)
    expect(video.write(picture(0))).toBe(false)
    const drained = video.drained()
    await publication.close()
    await clock.advanceAsync(10_000, 5_000)
    await drained
  })
})

describe('packets of H.264 in mode 0', () => {
  test('are another feed than those of mode 1', async () => {
    const clock = new ManualClock()
    const { converters, counts } = countingConverters()
    const registry = createRegistry({ clock, converters })
    const publication = registry.publish('a', { label: 'a', onConflict: 'reject' })
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    publication.ready()
    for (const h264PacketizationMode of [0, 1, 0] as const) {
      const rtp = { maxPayload: 1188, h264PacketizationMode }
      const accepts: Accept[] = [{ kind: 'video', codec: 'h264', form: 'rtp', rtp }]
      await registry.subscribe('a', memoryEgress({ accepts }), live)
    }
    video.write(picture(0, h264))
    await settle()
    expect(counts.packetisers).toBe(2)
    expect(registry.find('a')?.tracks[0]?.stats?.derived).toEqual(['packetise 1188 mode 0', 'packetise 1188'])
  })
})
