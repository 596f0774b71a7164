/** Tags into a registry and out of it again, on a clock that stands still. */
import { describe, expect, test } from 'vitest'
import { createRegistry } from '../../../src/core/registry.ts'
import { closable, createScope } from '../../../src/core/scope.ts'
import type { Egress, Publication, TrackInfo } from '../../../src/core/types.ts'
import { acceptsFlv, createFlvOutput } from '../../../src/flv-session/egress.ts'
import { publishTags } from '../../../src/flv-session/ingest.ts'
import { shareBytes } from '../../../src/flv-session/share-bytes.ts'
import type { FlvMessage, TagIngest } from '../../../src/flv-session/types.ts'
import { writeMetadata } from '../../../src/media/flv/metadata.ts'
import type { FlvTag } from '../../../src/media/flv/types.ts'
import type { Frame } from '../../../src/media/types.ts'
import { byTime, readTags, tagsOf } from '../../helpers/flv.ts'
import { ManualClock, settle } from '../../helpers/manual-clock.ts'
import {
  aacFrames,
  av1Frames,
  frameOf,
  h264Frames,
  h265Frames,
  opusFrames,
} from '../../helpers/media-fixtures.ts'

const pictures = h264Frames('h264-bframes').map(frame => ({
  ...frame,
  pts: frame.pts + 7200,
  dts: frame.dts + 7200,
}))
const sounds = aacFrames('aac-44100-stereo')
const both = byTime([...tagsOf(pictures), ...tagsOf(sounds)])
const metadataOf = (...frames: Frame[][]): FlvTag => ({
  type: 18,
  timestampMs: 0,
  body: writeMetadata(frames.map(list => list[0]!.params)),
})

interface Bench {
  readonly clock: ManualClock
  readonly registry: ReturnType<typeof createRegistry>
  readonly publication: Publication
  readonly ingest: TagIngest
  readonly logged: string[]
  tracks(): readonly TrackInfo[]
  isReady(): boolean
  close(): Promise<void>
}
const setUp = (): Bench => {
  const clock = new ManualClock()
  const logged: string[] = []
  const log = {
    info: (fields: object, message: string) => void logged.push(`${message} ${JSON.stringify(fields)}`),
    warn: (_fields: object, message: string) => void logged.push(message),
  }
  const registry = createRegistry({ clock, freeze: true })
  const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  return {
    clock,
    registry,
    publication,
    ingest: publishTags({ publication, clock, log }),
    logged,
    tracks: () => registry.find('live/cam')?.tracks ?? [],
    isReady: () => registry.find('live/cam')?.state === 'ready',
    close: () => registry.close({ code: 'shutdown' }),
  }
}

interface Reader extends Egress {
  readonly messages: FlvMessage[]
}
const reader = (fourCcs: readonly string[] = ['*']): Reader => {
  const scope = createScope('reader')
  const messages: FlvMessage[] = []
  const output = createFlvOutput({ write: message => void messages.push(message) })
  return {
    label: 'reader',
    messages,
    pressure: { mode: 'realtime' },
    takesLateTracks: true,
    accepts: tracks => acceptsFlv(tracks, { fourCcs }),
    open: tracks => output.open(tracks),
    ...closable(scope),
  }
}

describe('ready', () => {
  test('when everything that onMetaData announces is known', () => {
    const bench = setUp()
    bench.ingest.push(metadataOf(pictures, sounds))
    bench.ingest.push(tagsOf(pictures)[0]!)
    expect(bench.isReady()).toBe(false)
    bench.ingest.push(tagsOf(sounds)[0]!)
    expect([bench.isReady(), bench.ingest.ready]).toEqual([true, true])
    expect(bench.tracks().map(({ id }) => id)).toEqual(['video', 'audio'])
    expect(bench.clock.pending).toBe(0)
  })

  test('at once, when only sound is announced', () => {
    const bench = setUp()
    bench.ingest.push(metadataOf(sounds))
    bench.ingest.push(tagsOf(sounds)[0]!)
    expect(bench.isReady()).toBe(true)
  })

  test('sound that was announced and never comes is waited for 2 s, and named', () => {
    const bench = setUp()
    bench.ingest.push(metadataOf(pictures, sounds))
    for (const tag of tagsOf(pictures).slice(0, 10)) bench.ingest.push(tag)
    bench.clock.advance(1_900_000)
    expect(bench.isReady()).toBe(false)
    bench.clock.advance(200_000)
    expect(bench.isReady()).toBe(true)
    expect(bench.logged).toContain('live/cam: no audio after 2 s, it goes on without')
  })

  test('without a word, 2 s of media are enough, however fast they come', () => {
    const bench = setUp()
    const long = Array.from({ length: 100 }, (_, i) =>
      frameOf(pictures[0]!.params, pictures[0]!.units, { pts: i * 3600, dts: i * 3600 }),
    )
    for (const tag of tagsOf(long)) bench.ingest.push(tag)
    expect(bench.isReady()).toBe(true)
  })

  test('media that cannot be used leaves it unready; what comes later makes it ready at once', () => {
    const bench = setUp()
    bench.ingest.push({ type: 9, timestampMs: 0, body: Uint8Array.of(0x12, 0) })
    bench.clock.advance(5_000_000)
    expect(bench.isReady()).toBe(false)
    bench.ingest.push(tagsOf(sounds)[0]!)
    expect(bench.isReady()).toBe(true)
  })

  test('sound that comes late is added, and heard by a reader who is there already', async () => {
    const bench = setUp()
    const viewer = reader()
    for (const tag of tagsOf(pictures).slice(0, 4)) bench.ingest.push(tag)
    bench.clock.advance(2_100_000)
    await bench.registry.subscribe('live/cam', viewer, { start: 'live' })
    for (const tag of tagsOf(sounds).slice(0, 2)) bench.ingest.push(tag)
    await settle()
    await settle()
    for (const tag of tagsOf(sounds).slice(2, 10)) bench.ingest.push(tag)
    expect(viewer.messages.filter(({ type, role }) => type === 8 && role === 'config').length).toBe(1)
    expect(viewer.messages.filter(({ type, role }) => type === 8 && role === 'frame').length).toBeGreaterThan(
      5,
    )
    await bench.close()
  })
})

describe('clock', () => {
  test('both tracks hang on one origin, whenever their first frame comes', async () => {
    const bench = setUp()
    const at = (tag: FlvTag, ms: number): FlvTag => ({ ...tag, timestampMs: ms })
    const [head, picture] = tagsOf(pictures)
    const [soundHead, sound] = tagsOf(sounds)
    bench.ingest.push(head!)
    bench.ingest.push(at(picture!, 17_000_000))
    bench.clock.advance(300_000)
    bench.ingest.push(soundHead!)
    bench.ingest.push(at(sound!, 17_000_040))
    const viewer = reader()
    await bench.registry.subscribe('live/cam', viewer, { start: 'last-gop' })
    const times = viewer.messages
      .filter(({ role }) => role === 'frame')
      .map(({ type, timestampMs }) => [type, timestampMs])
    expect(times).toEqual([
      [9, 0],
      [8, 40],
    ])
    await bench.close()
  })
})

describe('damage', () => {
  test('is said once and counted at the end', () => {
    const bench = setUp()
    for (let i = 0; i < 5; i += 1) bench.ingest.push({ type: 9, timestampMs: 0, body: new Uint8Array(0) })
    bench.ingest.end()
    bench.ingest.end()
    const lines = bench.logged.filter(line => line.includes('empty video tag') || line.includes('dropped'))
    expect(lines).toEqual([
      'live/cam: empty video tag',
      'live/cam: tags dropped or mended in all {"stream":"live/cam","damage":{"empty video tag":5}}',
    ])
    bench.ingest.push(tagsOf(pictures)[0]!)
    expect(bench.tracks()).toEqual([])
  })

  test('a source whose sound changes for ever is followed for a while', async () => {
    const bench = setUp()
    bench.ingest.push(tagsOf(sounds)[0]!)
    for (let i = 0; i < 100; i += 1) {
      bench.ingest.push({
        type: 8,
        timestampMs: i,
        body: Uint8Array.of(0xaf, 0, i % 2 === 0 ? 0x11 : 0x12, 0x90),
      })
    }
    expect(bench.logged).toContain('live/cam: audio changes its format too often, it is dropped')
    await bench.close()
  })

  test('tags after the end of the publication are ignored', async () => {
    const bench = setUp()
    bench.ingest.push(tagsOf(pictures)[0]!)
    await bench.publication.close()
    expect(bench.ingest.push(tagsOf(sounds)[0]!)).toBe(true)
  })
})

describe('readers', () => {
  const play = async (tags: readonly FlvTag[], count: number) => {
    const bench = setUp()
    const readers = Array.from({ length: count }, () => reader())
    const configs = tags.filter(({ body }) => body[1] === 0 && body[0] !== 0x90).slice(0, 2)
    for (const tag of configs) bench.ingest.push(tag)
    bench.clock.advance(2_100_000)
    await Promise.all(readers.map(egress => bench.registry.subscribe('live/cam', egress, { start: 'live' })))
    for (const tag of tags) bench.ingest.push(tag)
    return { bench, readers }
  }

  test('are handed the same objects: each frame is built once', async () => {
    const { bench, readers } = await play(both, 100)
    const [first, ...others] = readers
    const shared = first!.messages.filter(({ role }) => role !== 'metadata')
    expect(shared.length).toBeGreaterThan(pictures.length)
    for (const { messages } of others) {
      expect(
        messages.filter(({ role }) => role !== 'metadata').every((message, i) => message === shared[i]),
      ).toBe(true)
    }
    await bench.close()
  })

  test('get onMetaData, then one sequence header a track, then everything with its times', async () => {
    const { bench, readers } = await play(both, 1)
    const { messages } = readers[0]!
    expect(messages[0]!.role).toBe('metadata')
    expect(
      messages
        .filter(({ role }) => role === 'config')
        .map(({ type }) => type)
        .sort(),
    ).toEqual([8, 9])
    const read = readTags(messages)
    expect(read.damage).toEqual({})
    const before = readTags(both)
    for (const id of ['video', 'audio']) {
      const [was, is] = [before.frames.get(id)!, read.frames.get(id)!]
      expect(is.map(({ units }) => units)).toEqual(was.map(({ units }) => units))
      const shift = was[0]!.dts - is[0]!.dts
      const worst = Math.max(...is.map((frame, i) => Math.abs(frame.pts + shift - was[i]!.pts)))
      expect(worst).toBeLessThanOrEqual(id === 'video' ? 0 : 88)
    }
    await bench.close()
  })

  test('repeated sequence headers are passed over, a real change is written right before its key frame', async () => {
    const other = h264Frames('h264-baseline')
    const shifted = other.map(frame => ({ ...frame, pts: frame.pts + 900_000, dts: frame.dts + 900_000 }))
    const repeated = pictures.flatMap(frame => tagsOf([frame]))
    const { bench, readers } = await play([...repeated, ...tagsOf(shifted)], 1)
    const videos = readers[0]!.messages.filter(({ type }) => type === 9)
    const configs = videos.flatMap(({ role }, i) => (role === 'config' ? [i] : []))
    expect(configs).toEqual([0, pictures.length + 1])
    expect(videos[configs[1]! + 1]!.key).toBe(true)
    expect(readTags(videos).changes.length).toBe(1)
    await bench.close()
  })

  test('a sequence header in mid-picture waits for the key frame that uses it', async () => {
    const head = tagsOf(h264Frames('h264-baseline'))[0]!
    const tags = tagsOf(pictures)
    const inter = pictures.findIndex(({ key }, i) => i > 0 && !key)
    const { bench, readers } = await play(
      [...tags.slice(0, inter + 1), head, ...tags.slice(inter + 1, inter + 3)],
      1,
    )
    expect(readers[0]!.messages.filter(({ type, role }) => type === 9 && role === 'config').length).toBe(1)
    await bench.close()
  })

  test("a late reader of the last group of pictures moves nobody else's times", async () => {
    const bench = setUp()
    const early = reader()
    const begun = both.findIndex(({ type, body }) => type === 9 && body[1] === 1) + 1
    for (const tag of both.slice(0, begun)) bench.ingest.push(tag)
    bench.clock.advance(2_100_000)
    await bench.registry.subscribe('live/cam', early, { start: 'last-gop' })
    const half = Math.floor(both.length / 2)
    for (const tag of both.slice(begun, half)) bench.ingest.push(tag)
    const late = reader()
    await bench.registry.subscribe('live/cam', late, { start: 'last-gop' })
    for (const tag of both.slice(half)) bench.ingest.push(tag)
    const timesOf = ({ messages }: Reader, type: number) =>
      messages
        .filter(message => message.type === type && message.role === 'frame')
        .map(({ timestampMs }) => timestampMs)
    for (const type of [8, 9]) {
      const [all, some] = [timesOf(early, type), timesOf(late, type)]
      expect(some.length).toBeGreaterThan(0)
      expect(all.slice(-some.length)).toEqual(some)
      expect(all.every((ms, i) => i === 0 || ms >= all[i - 1]!)).toBe(true)
    }
    await bench.close()
  })
})

test('late readers share the last group of pictures, and the bytes that are made of it', async () => {
  const bench = setUp()
  for (const tag of both.slice(0, 40)) bench.ingest.push(tag)
  bench.clock.advance(2_100_000)
  let made = 0
  const share = shareBytes(message => {
    made++
    return message.body.slice()
  })
  const bytesOf = async (): Promise<readonly (readonly [FlvMessage, Uint8Array])[]> => {
    const late = reader()
    await bench.registry.subscribe('live/cam', late, { start: 'last-gop' })
    const own = late.messages.filter(({ role }) => role !== 'metadata')
    return own.map(message => [message, share(message)])
  }
  await bytesOf()
  const [first, second] = [await bytesOf(), await bytesOf()]
  expect(first.length).toBeGreaterThan(20)
  expect(second.length).toBe(first.length)
  expect(second.every(([message], i) => message === first[i]![0])).toBe(true)
  const apart = second.filter(([, bytes], i) => bytes !== first[i]![1])
  expect(apart.length).toBeLessThanOrEqual(2) // the newest of each track: it is not known yet to be of the past
  expect(made).toBeLessThanOrEqual(2 * first.length)
  await bench.close()
})

describe('what readers accept', () => {
  const codecs = (fourCcs: readonly string[]): string[] =>
    acceptsFlv([], { fourCcs }).map(({ codec }) => codec)
  test('the legacy codecs, and what they announce', () => {
    expect(codecs([])).toEqual(['h264', 'aac', 'mp3', 'pcma', 'pcmu'])
    expect(codecs(['hvc1', 'Opus', 'xxxx'])).toEqual(['h264', 'aac', 'mp3', 'pcma', 'pcmu', 'h265', 'opus'])
    expect(codecs(['*'])).toContain('vp8')
  })

  test.each<[string, Frame[]]>([
    ['h265', h265Frames()],
    ['av1', av1Frames()],
    ['opus', opusFrames()],
  ])(
    '%s goes through for those who know its FourCC, and is refused by name to others',
    async (codec, frames) => {
      const bench = setUp()
      const shifted = frames.map(frame => ({ ...frame, pts: frame.pts + 7200, dts: frame.dts + 7200 }))
      const tags = tagsOf(shifted)
      for (const tag of tags.slice(0, 2)) bench.ingest.push(tag)
      bench.clock.advance(2_100_000)
      const [old, modern] = [reader([]), reader(['*'])]
      await expect(bench.registry.subscribe('live/cam', old, { start: 'live' })).rejects.toThrow(codec)
      await bench.registry.subscribe('live/cam', modern, { start: 'last-gop' })
      for (const tag of tags.slice(2)) bench.ingest.push(tag)
      expect(readTags(modern.messages).damage).toEqual({})
      expect([...readTags(modern.messages).tracks.values()][0]!.codec).toBe(codec)
      await bench.close()
    },
  )
})
