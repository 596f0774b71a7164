/** A publisher that is lost and comes back: nobody who reads is let go. */
import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import type { CoreLog } from '../../../src/core/stream-context.ts'
import type { Accept, CloseReason, Continuity, PublishOptions, TrackWriter } from '../../../src/core/types.ts'
import { aac, h264, opus, packet, picture, sound, vp8 } from '../../helpers/core-media.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { type MemoryEgressOptions, memoryEgress } from '../../helpers/memory-egress.ts'

const frames: Accept[] = [
  { kind: 'video', codec: 'h264', form: 'frame' },
  { kind: 'audio', codec: 'aac', form: 'frame' },
]
const lost: CloseReason = { code: 'source-lost', detail: 'rtmp 1 disconnected' }

const setup = (rules: Partial<Continuity> = {}, log?: CoreLog) => {
  const clock = new ManualClock()
  const continuity = () => ({ graceMs: 10_000, graceOnUnpublish: false, takeOverAfterMs: 2000, ...rules })
  const registry = createRegistry({ clock, freeze: true, continuity, ...(log && { log }) })
  const events: string[] = []
  registry.on('stream:ready', ({ publisher }) => void events.push(`ready ${publisher}`))
  registry.on('stream:waiting', ({ state }, { code }) => void events.push(`${state} ${code}`))
  registry.on('stream:resumed', ({ publisher }) => void events.push(`resumed ${publisher}`))
  registry.on('stream:closed', (_, { code }) => void events.push(`closed ${code}`))
  const publish = (label: string, rest: Partial<PublishOptions> = {}) =>
    registry.publish('live/cam', { label, onConflict: 'as-allowed', ...rest })
  const goLive = (label: string, rest: Partial<PublishOptions> = {}) => {
    const publication = publish(label, rest)
    const video = publication.addTrack({ id: 'video', native: 'frame', params: h264 })
    const audio = publication.addTrack({ id: 'audio', native: 'frame', params: aac })
    publication.ready()
    return { publication, video, audio }
  }
  const join = async (rest: Partial<MemoryEgressOptions> = {}) => {
    const egress = memoryEgress({ accepts: frames, ...rest })
    return { egress, subscription: await registry.subscribe('live/cam', egress, { start: 'live' }) }
  }
  const send = (
    { video, audio }: { video: TrackWriter<'frame'>; audio: TrackWriter<'frame'> },
    from: number,
    count: number,
  ) => {
    for (let i = from; i < from + count; i++) {
      video.write({ ...picture(i, h264), arrival: clock.now() })
      audio.write({ ...sound(i, aac, 1470), arrival: clock.now() })
      clock.advance(33_333)
    }
  }
  return { clock, registry, events, publish, goLive, join, send }
}

describe('a lost publisher', () => {
  test('that returns ends no reader: times go on by the wall clock, from a key frame on', async () => {
    const { clock, registry, events, goLive, join, send } = setup()
    const first = goLive('rtmp 1')
    const { egress, subscription } = await join()
    send(first, 0, 45)
    await first.publication.close(lost)
    expect(registry.find('live/cam')).toMatchObject({
      state: 'waiting',
      waiting: { reason: lost, leftMs: 10_000 },
      publisher: 'rtmp 1',
    })
    await clock.advanceAsync(9_000_000)
    expect(registry.find('live/cam')?.waiting?.leftMs).toBe(1000)
    const second = goLive('rtmp 2')
    await settle()
    send(second, 7, 60)
    expect(subscription.signal.aborted).toBe(false)
    expect(egress.opened.length).toBe(2)
    const [video, audio] = egress.opened
    const timesOf = ({ open, units }: typeof video & object) =>
      units.map(unit => open.track.clock.toStreamTime('dts' in unit ? unit.dts : unit.ts) / 1000)
    for (const times of [timesOf(video!), timesOf(audio!)])
      expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
    // 44 frames, 9 s away, one frame, and 23 frames until the key frame.
    const gap = timesOf(video!)[45]! - timesOf(video!)[44]!
    expect(Math.abs(gap - (9000 + 24 * 33.333))).toBeLessThan(2)
    expect(video!.units[45]).toMatchObject({ key: true })
    expect(Math.abs(timesOf(audio!)[45]! - timesOf(audio!)[44]! - 9033)).toBeLessThan(2)
    expect(events).toEqual(['ready rtmp 1', 'waiting source-lost', 'resumed rtmp 2'])
    expect(registry.find('live/cam')).toMatchObject({ state: 'ready', publisher: 'rtmp 2' })
    expect(registry.find('live/cam')?.waiting).toBeUndefined()
    await clock.advanceAsync(30_000_000, 1_000_000)
    expect(subscription.signal.aborted).toBe(false)
  })

  test('that does not return: readers go with its own reason, and the name is free', async () => {
    const { clock, registry, events, goLive, join } = setup()
    const { publication } = goLive('rtmp 1')
    const { egress } = await join()
    await publication.close(lost)
    await clock.advanceAsync(9_900_000)
    expect(egress.signal.aborted).toBe(false)
    await clock.advanceAsync(100_000)
    expect(await egress.closed).toBe(lost)
    expect(registry.find('live/cam')).toBeUndefined()
    expect(events).toEqual(['ready rtmp 1', 'waiting source-lost', 'closed source-lost'])
    expect(clock.pending).toBe(0)
  })

  test.each<[string, CloseReason, Partial<Continuity>, boolean]>([
    ['its connection broke', lost, {}, true],
    ['it fell silent', { code: 'timeout' }, {}, true],
    ['it broke the protocol', { code: 'failed' }, {}, true],
    ['it said that it ends', { code: 'source-ended' }, {}, false],
    [
      'it said so, and is waited for all the same',
      { code: 'source-ended' },
      { graceOnUnpublish: true },
      true,
    ],
    ['it was told to go', { code: 'unauthorized' }, { graceOnUnpublish: true }, false],
    ['the gateway ends', { code: 'shutdown' }, { graceOnUnpublish: true }, false],
    ['grace is off', lost, { graceMs: 0 }, false],
  ])('%s', async (_, reason, rules, waits) => {
    const { registry, goLive, join } = setup(rules)
    const { publication } = goLive('rtmp 1')
    const { egress } = await join()
    await publication.close(reason)
    expect(registry.find('live/cam')?.state).toBe(waits ? 'waiting' : undefined)
    expect(egress.signal.aborted).toBe(!waits)
  })

  test('is not waited for when nobody reads, when it was never ready, or when it says so', async () => {
    const { registry, publish, goLive, join } = setup()
    await goLive('unwatched').publication.close(lost)
    expect(registry.find('live/cam')).toBeUndefined()
    await publish('never ready').close(lost)
    expect(registry.find('live/cam')).toBeUndefined()
    const { publication } = goLive('once', { returns: false })
    const { egress } = await join()
    await publication.close(lost)
    expect(await egress.closed).toBe(lost)
  })

  test('is no longer waited for once its last reader has left', async () => {
    const { clock, registry, goLive, join } = setup()
    const { publication } = goLive('rtmp 1')
    const readers = [await join(), await join()]
    await publication.close(lost)
    for (const { subscription } of readers) {
      expect(registry.find('live/cam')?.state).toBe('waiting')
      await subscription.close()
    }
    expect(registry.find('live/cam')).toBeUndefined()
    expect(clock.pending).toBe(0)
  })

  test('may be followed by anybody who may publish: nobody is displaced', async () => {
    const { registry, goLive, publish, join } = setup()
    const { publication } = goLive('rtmp 1', { credential: 'mine' })
    await join()
    await publication.close(lost)
    publish('whip 2', { credential: 'yours', onConflict: 'reject' })
    expect(registry.find('live/cam')).toMatchObject({ publisher: 'whip 2', state: 'waiting' })
  })
})

describe('who comes back', () => {
  test('and is lost again before it is ready gets no further time', async () => {
    const { clock, events, goLive, publish, join } = setup()
    await join1(goLive, join)
    for (let i = 0; i < 4; i++) {
      await clock.advanceAsync(2_000_000)
      await publish(`try ${i}`).close({ code: 'source-lost', detail: `try ${i}` })
    }
    await clock.advanceAsync(2_000_000)
    expect(events).toEqual(['ready rtmp 1', 'waiting source-lost', 'closed source-lost'])
    expect(clock.pending).toBe(0)
  })

  test('in time and is ready after it has passed: its readers are there', async () => {
    const { clock, events, publish, goLive, join } = setup()
    const { egress } = await join1(goLive, join)
    await clock.advanceAsync(9_500_000)
    const second = publish('rtmp 2')
    await clock.advanceAsync(5_000_000)
    second.addTrack({ id: 'video', native: 'frame', params: h264 })
    second.ready()
    await settle()
    expect(egress.signal.aborted).toBe(false)
    expect(events).toEqual(['ready rtmp 1', 'waiting source-lost', 'resumed rtmp 2'])
  })

  test('and never gets ready: readers are told', async () => {
    const { clock, registry, publish, goLive, join } = setup()
    const { egress } = await join1(goLive, join)
    const second = publish('rtmp 2')
    await clock.advanceAsync(10_000_000, 1_000_000)
    expect(await egress.closed).toMatchObject({ code: 'replaced' })
    await second.close()
    expect(registry.find('live/cam')).toBeUndefined()
  })

  test('a second time is waited for anew', async () => {
    const { clock, goLive, join } = setup()
    const { egress } = await join1(goLive, join)
    for (let i = 2; i < 6; i++) {
      await clock.advanceAsync(9_000_000)
      const { publication } = goLive(`rtmp ${i}`)
      await settle()
      await publication.close(lost)
    }
    expect(egress.signal.aborted).toBe(false)
  })

  test('over another protocol, with another codec: outputs that can take it go on', async () => {
    const { clock, events, goLive, publish, join, registry, send } = setup()
    const first = publish('whip 1')
    const camera = first.addTrack({ id: 'video', native: 'rtp', params: vp8, onKeyframeRequest: () => {} })
    first.ready()
    const { egress } = await join({
      accepts: [...frames, { kind: 'video', codec: 'vp8', form: 'frame' }],
      takesLateTracks: true,
    })
    for (let seq = 0; seq < 30; seq++) camera.write({ ...packet(seq), arrival: clock.now() })
    await first.close(lost)
    clock.advance(3_000_000)
    const second = goLive('rtmp 2')
    await settle()
    send(second, 0, 30)
    expect(egress.signal.aborted).toBe(false)
    expect(egress.opened.map(({ open }) => open.track.params.codec)).toEqual(['vp8', 'h264', 'aac'])
    expect(egress.unitsOf('video').length).toBe(30)
    expect(registry.find('live/cam')?.tracks.length).toBe(2)
    expect(events).toEqual(['ready whip 1', 'waiting source-lost', 'resumed rtmp 2'])
  })

  test('whose first time ran ahead of the wall clock begins behind it, both tracks alike', async () => {
    const { clock, goLive, join, send } = setup()
    const first = goLive('fast clock')
    const { egress } = await join()
    // 2 s of media within 1 s: a file that was not paced, a clock that runs away.
    for (let i = 0; i < 60; i++) {
      first.video.write({ ...picture(i, h264), arrival: clock.now() })
      first.audio.write({ ...sound(i, aac, 1470), arrival: clock.now() })
      clock.advance(16_667)
    }
    await first.publication.close(lost)
    const second = goLive('rtmp 2')
    await settle()
    send(second, 0, 30)
    const [video, audio] = egress.opened.map(({ open, units }) =>
      units.map(unit => open.track.clock.toStreamTime('dts' in unit ? unit.dts : unit.ts)),
    )
    for (const times of [video!, audio!])
      expect(times.every((time, i) => i === 0 || time > times[i - 1]!)).toBe(true)
    expect(Math.abs(video![60]! - audio![60]!)).toBeLessThan(1000)
    expect(video![60]! - video![59]!).toBeLessThan(100_000)
  })
})

describe('a reader that comes while the publisher is away', () => {
  test('waits as long as there is hope, and is served then', async () => {
    const { clock, goLive, join } = setup()
    await join1(goLive, join)
    const late = join()
    await clock.advanceAsync(9_000_000)
    goLive('rtmp 2')
    expect((await late).subscription.signal.aborted).toBe(false)
  })

  test('is told for whom it waited', async () => {
    const { clock, goLive, join } = setup()
    await join1(goLive, join)
    const late = expect(join()).rejects.toMatchObject({
      code: 'stream-offline',
      message: expect.stringMatching(/live\/cam.*waited 10000 ms/),
    })
    await clock.advanceAsync(11_000_000)
    await late
  })
})

describe('a stand-in', () => {
  test('goes on with the tracks until the publisher sends again, from a key frame to a key frame', async () => {
    const { clock, registry, events, goLive, publish, join, send } = setup()
    const first = goLive('rtmp 1')
    const { egress } = await join()
    send(first, 0, 30)
    await first.publication.close(lost)
    clock.advance(100_000)
    const slate = registry.standIn('live/cam', 'slate bars.flv')
    const bars = { ...h264, sps: Uint8Array.of(0x67, 0x42, 0xe0, 0x20) }
    const video = slate.addTrack({ id: 'video', native: 'frame', params: bars })
    const audio = slate.addTrack({ id: 'audio', native: 'frame', params: aac })
    slate.ready()
    const show = (from: number, count: number): void => {
      for (let i = from; i < from + count; i++) {
        video.write({ ...picture(i, bars), arrival: clock.now() })
        audio.write({ ...sound(i, aac, 1470), arrival: clock.now() })
        clock.advance(33_333)
      }
    }
    show(0, 60)
    expect(registry.find('live/cam')).toMatchObject({ state: 'waiting', publisher: 'rtmp 1' })
    const second = publish('rtmp 2')
    show(60, 15)
    expect(slate.signal.aborted).toBe(false)
    const back = second.addTrack({ id: 'video', native: 'frame', params: h264 })
    expect(await slate.closed).toEqual({ code: 'replaced', detail: 'rtmp 2 is back' })
    second.ready()
    await settle()
    show(75, 5)
    for (let i = 0; i < 30; i++) {
      back.write({ ...picture(i, h264), arrival: clock.now() })
      clock.advance(33_333)
    }
    const { open, units } = egress.opened[0]!
    const frames = units.filter(unit => 'params' in unit)
    expect(frames.map(({ params }) => params)).toEqual([
      ...new Array(30).fill(h264),
      ...new Array(75).fill(bars),
      ...new Array(30).fill(h264),
    ])
    for (const at of [30, 105]) expect(frames[at]).toMatchObject({ key: true })
    const steps = frames.slice(1).map((frame, i) => {
      return open.track.clock.toStreamTime(frame.dts) - open.track.clock.toStreamTime(frames[i]!.dts)
    })
    for (const [i, step] of steps.entries())
      if (i !== 29) expect(Math.abs(step - 33_333)).toBeLessThan(200_000)
    expect(Math.min(...steps)).toBeGreaterThan(0)
    expect(Math.abs(steps[29]! - 133_333)).toBeLessThan(100)
    expect(events).toEqual(['ready rtmp 1', 'waiting source-lost', 'resumed rtmp 2'])
  })

  test('does not prolong the wait, and ends with it', async () => {
    const { clock, registry, goLive, join } = setup()
    const { egress } = await join1(goLive, join)
    const slate = registry.standIn('live/cam', 'slate')
    await clock.advanceAsync(10_000_000)
    expect(await slate.closed).toBe(lost)
    expect(await egress.closed).toBe(lost)
    expect(clock.pending).toBe(0)
  })

  test('leaves out by name what does not match, and the readers are none the worse', async () => {
    const lines: string[] = []
    const log = { info: () => undefined, warn: (_: object, text: string) => void lines.push(text) }
    const { registry, goLive, join } = setup({}, log)
    const { egress } = await join1(goLive, join)
    const slate = registry.standIn('live/cam', 'slate')
    slate.addTrack({ id: 'video', native: 'frame', params: vp8 }).write(picture(0))
    slate.addTrack({ id: 'audio', native: 'frame', params: opus }).write(sound(0, opus))
    slate.addTrack({ id: 'video-1', native: 'frame', params: h264 }).write(picture(0, h264))
    slate.ready()
    await settle()
    expect(egress.frames).toEqual([])
    expect(egress.signal.aborted).toBe(false)
    expect(lines.slice(1)).toEqual([
      "slate: video vp8 640x360 is left out: the stream's video is video h264 1280x720",
      "slate: audio opus 48000 is left out: the stream's audio is audio aac 44100",
      'slate: video h264 1280x720 is left out: the stream has no track video-1',
    ])
  })

  test('is refused where nobody is missing', async () => {
    const { registry, goLive } = setup()
    expect(() => registry.standIn('live/cam', 'slate')).toThrow(
      expect.objectContaining({ code: 'stream-offline' }),
    )
    goLive('rtmp 1')
    expect(() => registry.standIn('live/cam', 'slate')).toThrow(/needs no stand-in/)
  })
})

/** Live, read, and lost. */
const join1 = async (
  goLive: ReturnType<typeof setup>['goLive'],
  join: ReturnType<typeof setup>['join'],
): ReturnType<typeof join> => {
  const { publication } = goLive('rtmp 1')
  const joined = await join()
  await publication.close(lost)
  return joined
}
