/** One transcode per stream and target, through a real registry, with real ffmpeg children counted from outside. */
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createRegistry } from '../../src/core/registry.ts'
import { closable, createScope } from '../../src/core/scope.ts'
import type { Accept, Egress, OpenTrack, Publication, Registry, TrackWriter } from '../../src/core/types.ts'
import type { Frame, RtpPacket } from '../../src/media/types.ts'
import { createFfmpegTranscoder, type FfmpegTranscoder } from '../../src/transcode/ffmpeg-transcoder.ts'
import { ManualClock } from '../helpers/manual-clock.ts'
import { eventually, ffmpegChildren } from '../helpers/processes.ts'
import { makeSound, type Sound } from '../helpers/sound.ts'

interface Viewer {
  readonly egress: Egress
  readonly packets: RtpPacket[]
  readonly frames: Frame[]
  readonly opened: OpenTrack[]
}
const viewer = (accept: Accept): Viewer => {
  const packets: RtpPacket[] = []
  const frames: Frame[] = []
  const opened: OpenTrack[] = []
  const egress: Egress = {
    ...closable(createScope('viewer')),
    label: `viewer of ${accept.codec}`,
    pressure: { mode: 'realtime' },
    accepts: () => [accept],
    open: tracks => {
      opened.push(...tracks)
      return tracks.map(() =>
        accept.form === 'rtp'
          ? { form: 'rtp', sink: { write: packet => void packets.push(packet) } }
          : { form: 'frame', sink: { write: frame => void frames.push(frame) } },
      )
    },
  }
  return { egress, packets, frames, opened }
}
const opus: Accept = { kind: 'audio', codec: 'opus', form: 'rtp', rtp: { maxPayload: 1188 } }
const aac: Accept = { kind: 'audio', codec: 'aac', form: 'frame' }

let sound: Sound
beforeAll(async () => {
  const expressions = ['0.25*sin(2*PI*440*t)', '0.25*sin(2*PI*880*t)']
  sound = await makeSound({ codec: 'aac', rate: 44_100, channels: 2, seconds: 6, expressions })
})

const open: AsyncDisposable[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing[Symbol.asyncDispose]()
  await eventually(() => ffmpegChildren().length === 0, 3000, 'all children are gone')
})

interface Scene {
  readonly registry: Registry
  readonly transcoder: FfmpegTranscoder
  readonly publication: Publication
  readonly writer: TrackWriter<'frame'>
  readonly clock: ManualClock
  readonly log: string[]
}
const scene = async (enabled: boolean): Promise<Scene> => {
  const log: string[] = []
  const note = (_: object, message: string): void => void log.push(message)
  const transcoder = await createFfmpegTranscoder({
    enabled,
    clock: systemClock,
    log: { info: note, warn: note },
  })
  const clock = new ManualClock()
  const { unavailable } = transcoder
  const registry = createRegistry({
    ...{ clock, transcoders: [transcoder], freeze: true },
    policy: unavailable === undefined ? {} : { unavailable },
  })
  open.push(registry)
  const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  const writer = publication.addTrack({ id: 'audio', native: 'frame', params: sound.params })
  publication.ready()
  return { registry, transcoder, publication, writer, clock, log }
}
/** Frames at the pace at which packets come out. */
const pump = async (writer: TrackWriter<'frame'>, done: () => boolean): Promise<void> => {
  for (const frame of sound.frames) {
    writer.write(frame)
    await new Promise(resolve => void systemClock.after(2000, () => resolve(undefined)))
    if (done()) return
  }
  await eventually(done, 5000, 'sound comes out')
}

describe('one transcode per stream and target', () => {
  test('two Opus viewers share one ffmpeg; 5 s after the last has left there is none', async () => {
    const { registry, transcoder, writer, clock, log } = await scene(true)
    const [first, second] = [viewer(opus), viewer(opus)]
    const subscription = await registry.subscribe('live/cam', first.egress, { start: 'live' })
    const other = await registry.subscribe('live/cam', second.egress, { start: 'live' })
    expect(subscription.plan).toMatchObject({
      ok: true,
      tracks: [{ source: 'audio', steps: [{ op: 'transcode', to: 'opus' }, { op: 'packetise' }] }],
    })
    await pump(writer, () => first.packets.length > 20 && second.packets.length > 20)
    expect(ffmpegChildren()).toHaveLength(1)
    expect(transcoder.running()).toMatchObject([
      {
        from: 'aac 44100 Hz 2 ch',
        to: 'opus 48000 Hz 2 ch 128 kbit/s',
        pid: ffmpegChildren()[0],
        restarts: 0,
      },
    ])
    expect(second.packets.at(-1)).toBe(first.packets.at(-1))
    expect(first.opened[0]!.track.params).toMatchObject({ codec: 'opus', clockRate: 48_000, channels: 2 })
    expect(registry.find('live/cam')!.tracks).toMatchObject([{ id: 'audio' }, { derivedFrom: 'audio' }])

    await subscription.close({ code: 'subscriber-left' })
    clock.advance(60_000_000)
    expect(ffmpegChildren()).toHaveLength(1)
    await other.close({ code: 'subscriber-left' })
    clock.advance(4_900_000)
    expect(ffmpegChildren()).toHaveLength(1)
    clock.advance(200_000)
    await eventually(() => ffmpegChildren().length === 0, 3000, 'ffmpeg leaves')
    await eventually(() => transcoder.running().length === 0, 3000, 'the job is over')
    expect(log.at(-1)).toMatch(/^transcode stopped: /)
  })

  test('another target is another transcode; the end of the source ends both', async () => {
    const { registry, transcoder, publication, writer } = await scene(true)
    const [webrtc, phone] = [viewer(opus), viewer({ kind: 'audio', codec: 'pcmu', form: 'rtp' })]
    await registry.subscribe('live/cam', webrtc.egress, { start: 'live' })
    await registry.subscribe('live/cam', phone.egress, { start: 'live' })
    await pump(writer, () => webrtc.packets.length > 5 && phone.packets.length > 5)
    expect(ffmpegChildren()).toHaveLength(2)
    expect(phone.packets.every(({ payloadEnd, payloadStart }) => payloadEnd - payloadStart === 160)).toBe(
      true,
    )
    await publication.close({ code: 'source-ended' })
    await eventually(() => ffmpegChildren().length === 0, 3000, 'both leave')
    await eventually(() => transcoder.running().length === 0, 3000, 'the jobs are over')
  })

  test('whoever takes AAC gets it as it is, without any ffmpeg', async () => {
    const { registry, writer } = await scene(true)
    const player = viewer(aac)
    const { plan } = await registry.subscribe('live/cam', player.egress, { start: 'live' })
    expect(plan).toMatchObject({ ok: true, tracks: [{ steps: [{ op: 'copy' }] }] })
    writer.write(sound.frames[0]!)
    expect(player.frames).toHaveLength(1)
    expect(ffmpegChildren()).toEqual([])
  })
})

describe('no silent loss', () => {
  test('transcoding is off: the refusal names both sides', async () => {
    const { registry, publication } = await scene(false)
    publication.addTrack({
      ...{ id: 'data', native: 'frame' },
      params: { codec: 'amf-data', kind: 'data', clockRate: 1000 },
    })
    const refused = await registry
      .subscribe('live/cam', viewer(opus).egress, { start: 'live' })
      .catch(error => error)
    expect(refused).toMatchObject({ code: 'transcode-unavailable' })
    expect(refused.message).toContain('audio aac 44100')
    expect(refused.message).toContain('viewer accepts opus: transcoding is off')
    const taker = viewer(opus)
    const both: Egress = {
      ...taker.egress,
      accepts: () => [opus, { kind: 'data', codec: 'amf-data', form: 'frame' }],
    }
    const { plan } = await registry.subscribe(
      'live/cam',
      { ...both, open: tracks => tracks.map(() => ({ form: 'frame', sink: { write: () => {} } })) },
      { start: 'live' },
    )
    expect(plan.skipped).toEqual([
      {
        source: 'audio',
        reason: expect.stringMatching(/^audio aac 44100.* → viewer accepts opus: transcoding is off$/),
      },
    ])
  })

  test('ffmpeg is missing: the reason says what to do', async () => {
    const note = (): void => {}
    const transcoder = await createFfmpegTranscoder({
      ...{
        enabled: true,
        ffmpegPath: '/nowhere/ffmpeg',
        clock: systemClock,
        log: { info: note, warn: note },
      },
    })
    expect(transcoder.unavailable).toBe('ffmpeg is missing at /nowhere/ffmpeg: apt-get install -y ffmpeg')
    expect(transcoder.cost(sound.params, opus)).toBeUndefined()
  })
})
