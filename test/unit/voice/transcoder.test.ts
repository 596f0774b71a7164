/** The transcoder's part in a gateway: what it is chosen for, what it does with loss, who stands in for it. */
import { beforeAll, describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import { closable, createScope } from '../../../src/core/scope.ts'
import type { Accept, Egress, Track, Transcoder } from '../../../src/core/types.ts'
import { buildAudioSpecificConfig, createAacParams } from '../../../src/media/aac/config.ts'
import { createOpusParams } from '../../../src/media/opus/parameters.ts'
import { createPcmParams } from '../../../src/media/pcm/parameters.ts'
import type { CodecId, Frame } from '../../../src/media/types.ts'
import { transcodeCost } from '../../../src/transcode/cost.ts'
import { voiceCost } from '../../../src/transcode/voice/cost.ts'
import { createVoiceTranscoder } from '../../../src/transcode/voice/voice-transcoder.ts'
import { fakeTranscoder } from '../../helpers/fake-transcoder.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import { createRandom } from '../../helpers/random.ts'
import { decodeSound, levelDb, makeSound, type Sound } from '../../helpers/sound.ts'
import { createTestVoice, packetsOf, rtpPacket, START_US, throughVoice } from '../../helpers/voice.ts'

const audio = (codec: CodecId, more: Partial<Accept> = {}): Accept => ({
  kind: 'audio',
  codec,
  form: 'frame',
  ...more,
})
const sources = {
  pcmu: createPcmParams('pcmu'),
  g722: createPcmParams('g722'),
  opus: createOpusParams(2),
  l16: createPcmParams('l16', 2, 44_100),
}

describe('what it is chosen for', () => {
  test('every pair of voice codecs costs less than ffmpeg would', () => {
    for (const from of Object.values(sources))
      for (const to of ['opus', 'pcmu', 'pcma', 'g722'] as const) {
        const cost = voiceCost(from, audio(to))!
        expect(cost).toBeGreaterThan(0)
        expect(cost).toBeLessThan(transcodeCost(from, audio(to))!)
      }
  })
  test('telephone sound goes into what is cheapest, all other into what keeps most of it', () => {
    const order = (from: keyof typeof sources): string[] =>
      (['pcmu', 'g722', 'opus'] as const).toSorted(
        (a, b) => voiceCost(sources[from], audio(a))! - voiceCost(sources[from], audio(b))!,
      )
    expect(order('pcmu')).toEqual(['pcmu', 'g722', 'opus'])
    expect(order('opus')).toEqual(['opus', 'g722', 'pcmu'])
  })
  test.each([
    ['AAC', createAacParams(buildAudioSpecificConfig(48_000, 2)), audio('opus')],
    ['to AAC', sources.opus, audio('aac')],
    ['stereo G.711', sources.pcmu, audio('pcma', { channels: 2 })],
    ['Opus at another rate', sources.pcmu, audio('opus', { sampleRate: 24_000 })],
    ['L16 at an odd rate', sources.pcmu, audio('l16', { sampleRate: 12_345 })],
    ['G.711 with two channels', createPcmParams('pcmu', 2), audio('opus')],
    ['pictures', sources.pcmu, { kind: 'video', codec: 'h264', form: 'frame' }],
  ] as const)('%s is not made here', (_, from, to) => {
    expect(voiceCost(from, to)).toBeUndefined()
  })
})

describe('loss', () => {
  let opus: Sound
  let pcmu: Sound
  beforeAll(async () => {
    const expressions = ['0.25*sin(2*PI*440*t)']
    const seconds = 4
    opus = await makeSound({ codec: 'opus', rate: 48_000, channels: 1, seconds, expressions, bitrate: '32k' })
    pcmu = await makeSound({ codec: 'pcmu', rate: 8000, channels: 1, seconds, expressions })
  })

  test.each(['opus', 'pcmu'] as const)(
    '%s, every twentieth packet lost and 60 ms of jitter: every 20 ms has its packet, as loud as it was',
    async codec => {
      const sound = codec === 'opus' ? opus : pcmu
      const random = createRandom(8)
      const packets = packetsOf(sound.frames)
        .filter((_, i) => i < 10 || random(100) >= 5)
        .map(packet => ({ ...packet, arrival: packet.arrival + random(60) * 1000 }))
      const to = codec === 'opus' ? 'pcmu' : 'opus'
      const { heard, stats } = await throughVoice(sound.params, packets, audio(to), 50_000)
      const frames = heard.map(({ frame }) => frame)
      for (let i = 1; i < frames.length; i++)
        expect(frames[i]!.pts).toBe(frames[i - 1]!.pts + frames[i - 1]!.duration)
      expect(stats!.concealedMs).toBeGreaterThan(60)
      expect(stats!.concealedMs).toBeLessThan(500)
      const { channels } = await decodeSound(frames.slice(5, 195))
      const level = levelDb(channels[0]!.subarray(4800, -4800))
      expect(Math.abs(level - 20 * Math.log10(0.25 / Math.SQRT2))).toBeLessThan(1)
      // Nowhere is there nothing.
      for (let at = 4800; at < channels[0]!.length - 9600; at += 960)
        expect(levelDb(channels[0]!.subarray(at, at + 960))).toBeGreaterThan(-30)
    },
  )

  test('nothing is kept that can go on: sound leaves as soon as all before it has come', async () => {
    const random = createRandom(12)
    const packets = packetsOf(pcmu.frames).map(packet => ({
      ...packet,
      arrival: packet.arrival + random(40) * 1000,
    }))
    const { heard, stats } = await throughVoice(pcmu.params, packets, audio('opus'), 30_000)
    expect(heard).toHaveLength(packets.length)
    let complete = 0
    packets.forEach(({ arrival }, i) => {
      complete = Math.max(complete, arrival)
      if (i > 60) expect(heard[i]!.atUs, `packet ${i}`).toBe(complete)
    })
    expect(stats!.latencyMs).toBeLessThan(20)
    expect(stats!.jitterMs).toBeGreaterThan(30)
  })

  test('what does not come is waited for no longer than the sound is uneven', async () => {
    const packets = packetsOf(pcmu.frames).filter((_, i) => i !== 100)
    const { heard, stats } = await throughVoice(pcmu.params, packets, audio('opus'), 30_000)
    expect(heard).toHaveLength(packets.length + 1)
    expect(stats).toMatchObject({ concealedMs: 20, dropped: {} })
    const [before, made, after] = heard.slice(99, 102).map(({ atUs }) => atUs) as [number, number, number]
    expect(made - before).toBe(40_000)
    expect(after - before).toBe(40_000)
  })

  test('packets of nonsense are counted, and sound goes on', async () => {
    const random = createRandom(3)
    const packets = packetsOf(opus.frames).map((packet, i) => {
      if (i % 10 !== 5) return packet
      const nonsense = Uint8Array.from({ length: 1 + random(40) }, () => random(256))
      return rtpPacket(nonsense, packet.seq, packet.ts, packet.arrival)
    })
    const { heard, stats } = await throughVoice(opus.params, packets, audio('pcma'), 20_000)
    expect(heard.length).toBeGreaterThan(190)
    expect(stats!.dropped.damaged).toBeGreaterThan(0)
  })
})

describe('a source that writes frames', () => {
  test('is converted as it comes; what is missing stays a gap, what comes twice is left out', async () => {
    const sound = await makeSound({
      ...{ codec: 'opus', rate: 48_000, channels: 2, seconds: 2, bitrate: '64k' },
      expressions: ['0.25*sin(2*PI*440*t)', '0.25*sin(2*PI*440*t)'],
    })
    const clock = new ManualClock(START_US)
    const registry = createRegistry({ clock, transcoders: [createTestVoice(clock)] })
    const publication = registry.publish('live/film', { label: 'test', onConflict: 'reject' })
    const writer = publication.addTrack({ id: 'audio', native: 'frame', params: sound.params })
    publication.ready()
    const frames: Frame[] = []
    const egress: Egress = {
      ...closable(createScope('listener')),
      label: 'listener',
      pressure: { mode: 'realtime' },
      accepts: () => [audio('pcma')],
      open: tracks =>
        tracks.map(() => ({ form: 'frame', sink: { write: frame => void frames.push(frame) } })),
    }
    await registry.subscribe('live/film', egress, { start: 'live' })
    await settle()
    sound.frames.forEach((frame, i) => {
      // Times rounded to milliseconds, as FLV has them; ten frames are missing, and two come again.
      const pts = Math.round(frame.pts / 48) * 48
      if (i < 40 || i >= 50) writer.write({ ...frame, pts, dts: pts })
      if (i === 60) for (const again of sound.frames.slice(58, 60)) writer.write(again)
    })
    const gaps = frames.filter(({ discontinuity }) => discontinuity)
    expect(gaps.length).toBeGreaterThanOrEqual(1)
    for (let i = 1; i < frames.length; i++)
      expect(frames[i]!.pts).toBeGreaterThanOrEqual(frames[i - 1]!.pts + 160)
    expect(gaps[0]!.pts - frames[frames.indexOf(gaps[0]!) - 1]!.pts).toBe(160 * 11)
    const { channels } = await decodeSound(frames.slice(0, 38))
    expect(Math.abs(levelDb(channels[0]!.subarray(4800)) - 20 * Math.log10(0.25 / Math.SQRT2))).toBeLessThan(
      1,
    )
    await registry.close()
  })
})

describe('in a gateway', () => {
  const open = (transcoder: Transcoder, clock: ManualClock) => {
    const registry = createRegistry({ clock, transcoders: [transcoder] })
    const publication = registry.publish('calls/1', { label: 'test', onConflict: 'reject' })
    return { registry, publication }
  }
  const listener = (accept: Accept) => {
    const frames: number[] = []
    const { promise: closed } = Promise.withResolvers<never>()
    const signal = new AbortController().signal
    return {
      frames,
      egress: {
        ...({
          label: 'listener',
          pressure: { mode: 'realtime' },
          accepts: () => [accept],
          closed,
          signal,
        } as const),
        open: (tracks: readonly unknown[]) =>
          tracks.map(() => ({ form: 'frame', sink: { write: () => void frames.push(1) } }) as const),
        close: () => Promise.resolve(),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      },
    }
  }

  test('one job for all who want the same; none 5 s after the last; its numbers are told', async () => {
    const clock = new ManualClock(START_US)
    const log: string[] = []
    const voice = createTestVoice(clock, log)
    const { registry, publication } = open(voice, clock)
    const writer = publication.addTrack({ id: 'audio', native: 'rtp', params: sources.pcmu })
    publication.ready()
    const [first, second, third] = [audio('opus'), audio('opus'), audio('g722')].map(listener) as [
      ReturnType<typeof listener>,
      ReturnType<typeof listener>,
      ReturnType<typeof listener>,
    ]
    const subscriptions = await Promise.all(
      [first, second, third].map(({ egress }) => registry.subscribe('calls/1', egress, { start: 'live' })),
    )
    await settle()
    for (let i = 0; i < 50; i++) {
      clock.advance(20_000)
      writer.write(rtpPacket(new Uint8Array(160).fill(0xff), i, i * 160, clock.now()))
    }
    expect(voice.running().toSorted((a, b) => (a.to < b.to ? -1 : 1))).toMatchObject([
      { from: 'pcmu 8000 Hz', to: 'g722 16000 Hz 1 ch 64 kbit/s' },
      { from: 'pcmu 8000 Hz', to: 'opus 48000 Hz 1 ch 24 kbit/s', packetsIn: 50 },
    ])
    expect(first.frames.length).toBeGreaterThan(45)
    expect(second.frames.length).toBe(first.frames.length)
    for (const subscription of subscriptions) await subscription.close()
    clock.advance(6_000_000)
    await settle()
    expect(voice.running()).toEqual([])
    expect(log.at(-1)).toMatch(/^transcode stopped/)
    await registry.close()
    expect(clock.pending).toBe(0)
  })

  test('of a call nothing is kept for late viewers: it has no picture', async () => {
    const clock = new ManualClock(START_US)
    const { registry, publication } = open(createTestVoice(clock), clock)
    const writer = publication.addTrack({ id: 'audio', native: 'rtp', params: sources.pcmu })
    publication.ready()
    const heard: Track[] = []
    const egress: Egress = {
      ...listener(audio('opus')).egress,
      open: tracks =>
        tracks.map(({ track }) => {
          heard.push(track)
          return { form: 'frame', sink: { write: () => undefined } }
        }),
    }
    await registry.subscribe('calls/1', egress, { start: 'live' })
    await settle()
    for (let i = 0; i < 50; i++) {
      clock.advance(20_000)
      writer.write(rtpPacket(new Uint8Array(160).fill(0xff), i, i * 160, clock.now()))
    }
    expect(heard[0]!.derivedFrom).toBe('audio')
    expect(heard[0]!.frames().kept).toEqual([])
    await registry.close()
  })

  test('loss that can be heard is said, with numbers, once in ten seconds', async () => {
    const clock = new ManualClock(START_US)
    const log: string[] = []
    const { registry, publication } = open(createTestVoice(clock, log), clock)
    const writer = publication.addTrack({ id: 'audio', native: 'rtp', params: sources.pcmu })
    publication.ready()
    await registry.subscribe('calls/1', listener(audio('g722')).egress, { start: 'live' })
    await settle()
    for (let i = 0; i < 2100; i++) {
      clock.advance(20_000)
      if (i < 1000 && i % 10 === 9) continue
      writer.write(rtpPacket(new Uint8Array(160).fill(0xff), i, i * 160, clock.now()))
    }
    expect(log.filter(line => line.includes('made up'))).toEqual([
      expect.stringMatching(/^(9\.\d|10\.\d) % of the sound did not come in time and was made up$/),
      expect.stringMatching(/^(9\.\d|10\.\d) % of the sound/),
    ])
    await registry.close()
  })

  test('where Opus does not load, the other transcoder does it, and that is said once', async () => {
    const clock = new ManualClock(START_US)
    const log: string[] = []
    const instead = fakeTranscoder()
    const note = (_: object, message: string): void => void log.push(message)
    const voice = createVoiceTranscoder({
      ...{ clock, instead, log: { info: note, warn: note } },
      load: () => Promise.reject(new Error('no build for this system')),
    })
    const { registry, publication } = open(voice, clock)
    publication.addTrack({ id: 'audio', native: 'rtp', params: sources.pcmu })
    publication.ready()
    await registry.subscribe('calls/1', listener(audio('opus')).egress, { start: 'live' })
    expect(instead.jobs).toHaveLength(1)
    expect(voice.cost(sources.pcmu, audio('opus'))).toBeUndefined()
    expect(voice.cost(sources.pcmu, audio('g722'))).toBeGreaterThan(0)
    await registry.subscribe('calls/1', listener(audio('g722')).egress, { start: 'live' })
    expect(voice.running()).toMatchObject([{ to: 'g722 16000 Hz 1 ch 64 kbit/s' }])
    expect(log.filter(line => line.includes('Opus does not load'))).toHaveLength(1)
    await registry.close()
  })
})
