import { describe, expect, test } from 'vitest'
import { createRegistry, type RegistryOptions } from '../../../src/core/registry.ts'
import type { Accept, CloseReason, PublishOptions, Registry } from '../../../src/core/types.ts'
import { aac, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { type MemoryEgressOptions, memoryEgress } from '../../helpers/memory-egress.ts'

const accepts: Accept[] = [
  { kind: 'video', codec: 'vp8', form: 'frame' },
  { kind: 'audio', codec: 'aac', form: 'frame' },
]
const by = (label: string, rest: Partial<PublishOptions> = {}): PublishOptions => ({
  label,
  onConflict: 'reject',
  ...rest,
})

const setup = (options: RegistryOptions = {}) => {
  const clock = new ManualClock()
  const registry = createRegistry({ clock, freeze: true, ...options })
  const events: string[] = []
  registry.on('stream:ready', ({ name }) => void events.push(`ready ${name}`))
  registry.on('stream:closed', ({ name }, { code }) => void events.push(`closed ${name} ${code}`))
  registry.on('stream:demand', name => void events.push(`demand ${name}`))
  registry.on('subscriber:joined', ({ name }, label) => void events.push(`joined ${name} ${label}`))
  registry.on(
    'subscriber:left',
    ({ name }, label, { code }) => void events.push(`left ${name} ${label} ${code}`),
  )
  return { clock, registry, events }
}

const goLive = (registry: Registry, name = 'live/cam', label = 'rtmp 127.0.0.1:50412') => {
  const publication = registry.publish(name, by(label))
  const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
  const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
  publication.ready()
  return { publication, video, audio }
}
const viewer = (rest: Partial<MemoryEgressOptions> = {}) => memoryEgress({ accepts, ...rest })
const live = { start: 'live' } as const

describe('publishing', () => {
  test("a name is one publisher's: the second is told who has it and when to come back", () => {
    const { registry } = setup()
    goLive(registry)
    expect(() => registry.publish('live/cam', by('whip'))).toThrow(
      expect.objectContaining({
        code: 'name-taken',
        retryAfterS: 5,
        message: expect.stringContaining('live/cam by rtmp 127.0.0.1:50412'),
      }),
    )
  })

  test('names are checked at this door too', async () => {
    const { registry } = setup()
    expect(() => registry.publish('../x', by('a'))).toThrow(expect.objectContaining({ code: 'bad-name' }))
    await expect(registry.subscribe('../x', viewer(), live)).rejects.toMatchObject({ code: 'bad-name' })
  })

  test('the name is free at once when the publisher has gone, even while readers still close', async () => {
    const { registry } = setup()
    const { publication } = goLive(registry)
    const closing = publication.close()
    goLive(registry, 'live/cam', 'again')
    await closing
    expect(registry.find('live/cam')?.publisher).toBe('again')
  })

  test('states: empty, announced, ready, gone', async () => {
    const { registry, clock } = setup()
    const publication = registry.publish('live/cam', by('a'))
    const state = () => registry.find('live/cam')?.state
    expect(state()).toBe('empty')
    publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    expect(state()).toBe('announced')
    publication.ready()
    expect(registry.find('live/cam')).toMatchObject({ state: 'ready', readySince: clock.wall() })
    await publication.close()
    expect(state()).toBeUndefined()
  })

  test('after the end: tracks are refused with the reason, writes go nowhere', async () => {
    const { registry } = setup()
    const { publication, video } = goLive(registry)
    await publication.close({ code: 'source-ended', detail: 'end of file' })
    expect(() => publication.addTrack({ id: 'x', native: 'frame', params: vp8 })).toThrow(
      expect.objectContaining({ code: 'closed', message: expect.stringContaining('end of file') }),
    )
    expect(video.write(picture(0))).toBe(true)
    await video.drained()
  })

  test('the same track twice is a programming error', () => {
    const { registry } = setup()
    const { publication } = goLive(registry)
    expect(() => publication.addTrack({ id: 'video', native: 'frame', params: vp8 })).toThrow(TypeError)
  })

  test('its signal ends it with the reason', async () => {
    const { registry } = setup()
    const controller = new AbortController()
    const publication = registry.publish('a', by('a', { signal: controller.signal }))
    const reason: CloseReason = { code: 'unauthorized', detail: 'token expired' }
    controller.abort(reason)
    expect(await publication.closed).toBe(reason)
    expect(registry.find('a')).toBeUndefined()
    const again = registry.publish('b', by('b', { signal: controller.signal }))
    expect(again.signal.aborted).toBe(true)
    expect(registry.find('b')).toBeUndefined()
  })

  test('list by prefix: a room is a prefix', () => {
    const { registry } = setup()
    for (const name of ['room1/alice', 'room1/bob', 'room2/eve']) goLive(registry, name)
    expect(registry.list('room1/').map(({ name }) => name)).toEqual(['room1/alice', 'room1/bob'])
    expect(registry.list().length).toBe(3)
  })

  test('what is listed is plain data with counts', async () => {
    const { registry } = setup()
    const { video } = goLive(registry)
    await registry.subscribe('live/cam', viewer(), live)
    for (let i = 0; i < 45; i++) video.write(picture(i))
    const info = registry.find('live/cam')
    expect(info?.tracks[0]).toMatchObject({ id: 'video', stats: { units: 45, bytes: 4500 } })
    expect(info?.subscribers[0]).toMatchObject({
      label: 'viewer',
      stats: { units: 45, bytes: 4500, dropped: 0 },
    })
    expect(JSON.parse(JSON.stringify(info)).tracks[0].stats.units).toBe(45)
  })
})

describe('subscribing', () => {
  test('a stream that is not there is offline', async () => {
    const { registry, events } = setup()
    await expect(registry.subscribe('live/cam', viewer(), live)).rejects.toMatchObject({
      code: 'stream-offline',
      message: expect.stringContaining('live/cam has no publisher'),
    })
    expect(events).toEqual([])
  })

  test('waits as long as it is told, asks for an on-demand source, then says how long it waited', async () => {
    const { registry, clock, events } = setup()
    const late = registry.subscribe('live/cam', viewer(), { ...live, waitMs: 3000 })
    const refused = expect(late).rejects.toMatchObject({
      code: 'stream-offline',
      message: expect.stringContaining('waited 3000 ms'),
    })
    expect(events).toEqual(['demand live/cam'])
    await clock.advanceAsync(3_000_000)
    await refused
    expect(clock.pending).toBe(0)
  })

  test('who waits gets the stream when it is ready, not before', async () => {
    const { registry, clock } = setup()
    const waiting = registry.subscribe('live/cam', viewer(), { ...live, waitMs: 3000 })
    let there = false
    void waiting.then(() => {
      there = true
    })
    const publication = registry.publish('live/cam', by('a'))
    publication.addTrack({ id: 'video', native: 'frame', params: vp8 })
    await settle()
    expect(there).toBe(false)
    publication.ready()
    await waiting
    expect(clock.pending).toBe(0)
  })

  test('a publisher that has announced itself is waited for without being asked', async () => {
    const { registry, clock } = setup()
    registry.publish('live/cam', by('slow starter'))
    const waiting = registry.subscribe('live/cam', viewer(), live)
    const refused = expect(waiting).rejects.toMatchObject({
      message: expect.stringContaining('slow starter has no tracks yet on live/cam, waited 5000 ms'),
    })
    await clock.advanceAsync(5_000_000)
    await refused
  })

  test('leaving while waiting', async () => {
    const { registry, clock } = setup()
    const controller = new AbortController()
    const waiting = registry.subscribe('a', viewer(), { ...live, waitMs: 3000, signal: controller.signal })
    controller.abort(new Error('closed the page'))
    await expect(waiting).rejects.toMatchObject({
      code: 'closed',
      message: expect.stringContaining('closed the page'),
    })
    expect(clock.pending).toBe(0)
  })

  test('no codec in common: refused with every track, and the egress is left to its owner', async () => {
    const { registry, events } = setup()
    goLive(registry)
    const egress = viewer({ accepts: [{ kind: 'audio', codec: 'opus', form: 'frame' }] })
    await expect(registry.subscribe('live/cam', egress, live)).rejects.toMatchObject({
      code: 'transcode-unavailable',
      message: expect.stringContaining(
        'video vp8 640x360 → viewer takes no video; audio aac 44100 → viewer accepts opus: transcoding is off',
      ),
    })
    expect(egress.signal.aborted).toBe(false)
    expect(events).toEqual(['ready live/cam'])
    expect(registry.find('live/cam')?.subscribers).toEqual([])
  })

  test('an egress that fails to open is not joined', async () => {
    const { registry, events } = setup()
    const { video } = goLive(registry)
    const onOpen = () => {
      throw new Error('no socket')
    }
    await expect(registry.subscribe('live/cam', viewer({ onOpen }), live)).rejects.toThrow('no socket')
    expect(events).toEqual(['ready live/cam'])
    expect(video.demand).toBe(0)
  })

  test('a stream that ends while an egress opens is an error, not a dead subscription', async () => {
    const { registry, events } = setup()
    const { publication } = goLive(registry)
    const gate = Promise.withResolvers<void>()
    const joining = registry.subscribe('live/cam', viewer({ onOpen: () => gate.promise }), live)
    const refused = expect(joining).rejects.toMatchObject({ code: 'closed' })
    await settle()
    void publication.close({ code: 'source-ended' })
    gate.resolve()
    await refused
    expect(events).toEqual(['ready live/cam', 'closed live/cam source-ended'])
  })
})

describe('leaving', () => {
  test("a closing publisher's reason reaches every reader unchanged", async () => {
    const { registry } = setup()
    const { publication } = goLive(registry)
    const viewers = Array.from({ length: 5 }, (_, i) => viewer({ label: `viewer ${i}` }))
    for (const egress of viewers) await registry.subscribe('live/cam', egress, live)
    const reason: CloseReason = { code: 'source-ended', detail: 'OBS stopped' }
    await publication.close(reason)
    for (const egress of viewers) expect(await egress.closed).toBe(reason)
  })

  test('every joined one left, every ready one closed, in that order', async () => {
    const { registry, events } = setup()
    const { publication } = goLive(registry)
    const egress = viewer({ label: 'a' })
    await registry.subscribe('live/cam', egress, live)
    await registry.subscribe('live/cam', viewer({ label: 'b' }), live)
    await egress.close({ code: 'subscriber-left' })
    await settle()
    await publication.close({ code: 'unpublished' })
    expect(events).toEqual([
      'ready live/cam',
      'joined live/cam a',
      'joined live/cam b',
      'left live/cam a subscriber-left',
      'left live/cam b unpublished',
      'closed live/cam unpublished',
    ])
  })

  test('the end of one stream is told before the next of its name begins, however long its readers take to close', async () => {
    const { registry, events } = setup()
    const { publication } = goLive(registry)
    const egress = viewer({ label: 'recorder' })
    const gate = Promise.withResolvers<void>()
    const slow = { ...egress, close: () => gate.promise }
    await registry.subscribe('live/cam', slow, live)
    void publication.close({ code: 'unpublished' })
    goLive(registry)
    expect(events).toEqual([
      'ready live/cam',
      'joined live/cam recorder',
      'left live/cam recorder unpublished',
      'closed live/cam unpublished',
      'ready live/cam',
    ])
    gate.resolve()
  })

  test('a publisher that never was ready makes no event', async () => {
    const { registry, events } = setup()
    await registry.publish('live/cam', by('a')).close()
    expect(events).toEqual([])
  })

  test("a subscriber's signal closes it and its egress", async () => {
    const { registry } = setup()
    goLive(registry)
    const controller = new AbortController()
    const egress = viewer()
    const subscription = await registry.subscribe('live/cam', egress, { ...live, signal: controller.signal })
    const reason: CloseReason = { code: 'unauthorized' }
    controller.abort(reason)
    expect(await subscription.closed).toBe(reason)
    expect(await egress.closed).toBe(reason)
    expect(registry.find('live/cam')?.subscribers).toEqual([])
  })

  test("a reader that throws loses its own subscription and nobody else's", async () => {
    const { registry, events } = setup()
    const { video } = goLive(registry)
    const onUnit = () => {
      throw new Error('sink is broken')
    }
    const [bad, good] = [viewer({ label: 'bad', onUnit }), viewer({ label: 'good' })]
    const subscription = await registry.subscribe('live/cam', bad, live)
    await registry.subscribe('live/cam', good, live)
    for (let i = 0; i < 3; i++) video.write(picture(i))
    expect(await subscription.closed).toMatchObject({
      code: 'failed',
      detail: expect.stringContaining('sink is broken'),
    })
    expect(good.frames.length).toBe(3)
    await bad.closed
    await settle()
    expect(events.at(-1)).toBe('left live/cam bad failed')
  })

  test('a listener that throws is reported and disturbs nobody', () => {
    const errors: unknown[] = []
    const { registry, events } = setup({ onError: error => void errors.push(error) })
    registry.on('stream:ready', () => {
      throw new Error('listener')
    })
    goLive(registry)
    expect(errors).toEqual([new Error('listener')])
    expect(events).toEqual(['ready live/cam'])
  })

  test('an unsubscribed listener hears nothing', () => {
    const { registry } = setup()
    let heard = 0
    registry.on('stream:ready', () => void heard++)()
    goLive(registry)
    expect(heard).toBe(0)
  })

  test('shutdown ends publishers, readers and those who wait, and opens nothing new', async () => {
    const { registry, clock } = setup()
    const { publication } = goLive(registry)
    const egress = viewer()
    await registry.subscribe('live/cam', egress, live)
    const waiting = registry.subscribe('other', viewer(), { ...live, waitMs: 10_000 })
    const refused = expect(waiting).rejects.toMatchObject({ code: 'shutdown' })
    const reason: CloseReason = { code: 'shutdown', detail: 'SIGTERM' }
    await registry.close(reason)
    await refused
    expect(await publication.closed).toBe(reason)
    expect(await egress.closed).toBe(reason)
    expect(() => registry.publish('x', by('x'))).toThrow(expect.objectContaining({ code: 'shutdown' }))
    await expect(registry.subscribe('x', viewer(), live)).rejects.toMatchObject({ code: 'shutdown' })
    expect(clock.pending).toBe(0)
  })
})

describe('media', () => {
  test('video waits for a key frame, sound does not', async () => {
    const { registry } = setup()
    const { video, audio } = goLive(registry)
    const egress = viewer()
    const subscription = await registry.subscribe('live/cam', egress, live)
    for (let i = 10; i < 40; i++) {
      video.write(picture(i))
      audio.write(sound(i))
    }
    expect(egress.unitsOf('video').length).toBe(10)
    expect(egress.unitsOf('audio').length).toBe(30)
    expect(subscription.stats).toMatchObject({
      units: 40,
      bytes: 10 * 100 + 30 * 20,
      dropped: 20,
      waitingForKey: false,
      droppedBy: { 'waiting-for-key': 20 },
    })
  })

  test('after a loss video waits again', async () => {
    const { registry } = setup()
    const { video } = goLive(registry)
    const egress = viewer()
    await registry.subscribe('live/cam', egress, live)
    for (let i = 0; i < 35; i++) video.write({ ...picture(i), discontinuity: i === 5 })
    expect(egress.frames.map(({ pts }) => pts / 3000)).toEqual([0, 1, 2, 3, 4, 30, 31, 32, 33, 34])
  })

  test('a source that was never anchored is anchored by its first unit', async () => {
    const { registry } = setup()
    const { video, audio } = goLive(registry)
    const egress = viewer()
    await registry.subscribe('live/cam', egress, live)
    video.write(picture(300))
    audio.write(sound(0))
    const [first, second] = egress.opened.map(({ open }) => open.track)
    expect(first?.clock.toStreamTime(300 * 3000)).toBe(0)
    expect(second?.clock.toStreamTime(44_100)).toBe(1_000_000)
  })

  test('demand is what wants the track now', async () => {
    const { registry } = setup()
    const { video } = goLive(registry)
    expect(video.demand).toBe(0)
    const subscription = await registry.subscribe('live/cam', viewer(), live)
    expect(video.demand).toBe(1)
    await subscription.close()
    expect(video.demand).toBe(0)
  })

  test('parameters that change within the codec go with the frames', async () => {
    const { registry } = setup()
    const { video } = goLive(registry)
    const egress = viewer()
    await registry.subscribe('live/cam', egress, live)
    const changed: unknown[] = []
    egress.opened[0]?.open.track.onParams(params => void changed.push(params))
    const larger = { ...vp8, size: { width: 1280, height: 720 } }
    video.write(picture(0))
    video.setParams(larger)
    video.write(picture(30, larger))
    expect(egress.frames.map(({ params }) => params)).toEqual([vp8, larger])
    expect(changed).toEqual([larger])
    expect(egress.opened.length).toBe(2)
    expect(registry.find('live/cam')?.tracks[0]?.params).toBe(larger)
  })

  test('key frames: 100 readers within a second are two requests, and none when idle', async () => {
    const { registry, clock } = setup()
    const publication = registry.publish('live/cam', by('whip'))
    let asked = 0
    const onKeyframeRequest = () => void asked++
    const video = publication.addTrack({ id: 'video', native: 'frame', params: vp8, onKeyframeRequest })
    publication.ready()
    await clock.advanceAsync(60_000_000, 10_000_000)
    expect(asked).toBe(0)
    for (let i = 0; i < 100; i++) {
      await registry.subscribe('live/cam', viewer(), live)
      if (i < 99) clock.advance(10_000)
    }
    expect(asked).toBe(2)
    video.write(picture(0))
    await clock.advanceAsync(60_000_000, 10_000_000)
    expect(asked).toBe(2)
    expect(registry.find('live/cam')?.tracks[0]?.stats?.keyframeRequests).toBe(2)
  })
})
