/** Publication to readers over real sockets, frames made by hand. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Listener } from '../../../src/adapters/adapter.ts'
import { rtmp } from '../../../src/adapters/rtmp/adapter.ts'
import { RtmpConnection } from '../../../src/adapters/rtmp/connection.ts'
import { createRtmpEgress } from '../../../src/adapters/rtmp/egress.ts'
import { RTMP_LIMITS } from '../../../src/adapters/rtmp/message.ts'
import type { Publication, TrackWriter } from '../../../src/core/types.ts'
import type { Frame } from '../../../src/media/types.ts'
import { createTestContext, type TestContext } from '../../helpers/adapter-context.ts'
import { aacFrames, h264Frames, h265Frames, opusFrames } from '../../helpers/media-fixtures.ts'
import { until } from '../../helpers/program.ts'
import { createMemoryTransport } from '../../helpers/rtmp-memory.ts'
import { openRtmp } from '../../helpers/rtmp-socket.ts'

let context: TestContext
let listener: Listener
const config = (more: object = {}) => rtmp.config.parse({ listen: { port: 0 }, ...more })
const url = (path: string): URL => new URL(`rtmp://127.0.0.1:${listener.port}/${path}`)
const logged = (): string => context.logged.join('\n')
const listen = async (more: object = {}): Promise<void> => {
  listener = (await rtmp.listen?.(context, config(more)))!
}
beforeEach(() => {
  context = createTestContext()
})
afterEach(() => context.close())

interface Source {
  readonly publication: Publication
  readonly video: TrackWriter<'frame'>
  readonly audio: TrackWriter<'frame'>
  send(count: number): void
}
const publish = (name: string, pictures: readonly Frame[], sounds: readonly Frame[]): Source => {
  const publication = context.registry.publish(name, { label: 'test', onConflict: 'reject' })
  const track = (id: string, frames: readonly Frame[]): TrackWriter<'frame'> => {
    const writer = publication.addTrack({ id, native: 'frame', params: frames[0]!.params })
    writer.clock.anchor({ ts: 0, wall: context.clock.wall(), from: 'arrival' })
    return writer
  }
  const [video, audio] = [track('video', pictures), track('audio', sounds)]
  publication.ready()
  let at = 0
  const send = (count: number): void => {
    for (const end = at + count; at < end; at++) {
      video.write(at < pictures.length ? pictures[at]! : repeat(pictures, at))
      audio.write(at < sounds.length ? sounds[at]! : repeat(sounds, at))
    }
  }
  return { publication, video, audio, send }
}
/** The same frames again, later. */
const repeat = (frames: readonly Frame[], at: number): Frame => {
  const frame = frames[at % frames.length]!
  const step = frames.at(-1)!.dts + (frames[1]!.dts - frames[0]!.dts) - frames[0]!.dts
  const shift = Math.floor(at / frames.length) * step
  return Object.freeze({ ...frame, pts: frame.pts + shift, dts: frame.dts + shift })
}

describe('RTMP readers', () => {
  test('a message is made into chunks once: all readers are handed the same bytes', async () => {
    const source = publish('live/cam', h264Frames('h264-baseline'), aacFrames('aac-44100-stereo'))
    const transports = await Promise.all(
      [1, 2, 3].map(async number => {
        const transport = createMemoryTransport()
        const connection = new RtmpConnection('server', RTMP_LIMITS, transport, {
          onOpen: () => undefined,
          onCommand: () => undefined,
          onTag: () => undefined,
          onUserControl: () => undefined,
          onFailure: () => undefined,
        })
        const egress = createRtmpEgress({
          label: `reader ${number}`,
          connection,
          transport,
          clock: context.clock,
          streamId: 1,
          role: 'play',
          fourCcs: [],
          pressure: { mode: 'drop-to-key', highWater: 1 << 20, giveUpMs: 1000 },
          onOpen: () => undefined,
          onClose: () => undefined,
        })
        await context.registry.subscribe('live/cam', egress, { start: 'live' })
        return transport
      }),
    )
    source.send(20)
    const [first, ...others] = transports.map(({ written }) => written)
    expect(first!.length).toBeGreaterThan(40)
    for (const written of others) {
      expect(written.length).toBe(first!.length)
      const shared = written.filter((bytes, index) => bytes === first![index])
      expect(written.length - shared.length).toBeLessThanOrEqual(1) // its own metadata
    }
  })

  test('HEVC and Opus go out and come in by Enhanced RTMP', async () => {
    await listen()
    const source = publish('live/a', h265Frames(), opusFrames())
    const egress = await rtmp.push!(context, config(), url('live/b'))
    const { plan } = await context.registry.subscribe('live/a', egress, { start: 'live' })
    expect(plan.ok && plan.skipped).toEqual([])
    source.send(30)
    await until(logged, () => context.registry.find('live/b')?.state === 'ready')
    const tracks = context.registry.find('live/b')?.tracks.map(({ params }) => params.codec)
    expect(tracks?.sort()).toEqual(['h265', 'opus'])
  })

  test('a reader that announces nothing is not given Opus, and that is said', async () => {
    await listen()
    const source = publish('live/cam', h264Frames('h264-baseline'), opusFrames())
    const reader = await openRtmp(listener.port)
    await reader.start('play', 'live', 'cam')
    source.send(10)
    await until('pictures', () => reader.messages.filter(({ type }) => type === 9).length >= 5)
    expect(reader.messages.filter(({ type }) => type === 8)).toEqual([])
    expect(JSON.stringify(context.registry.find('live/cam')?.subscribers[0]?.plan)).toMatch(/audio opus/)
    reader.close()
  })

  test('a reader that stalls is let go with numbers, the others get everything', async () => {
    await listen({ readerHighWaterBytes: 1 << 20, readerGiveUpMs: 300 })
    const source = publish('live/cam', h264Frames('h264-baseline'), aacFrames('aac-44100-stereo'))
    const [slow, good] = [await openRtmp(listener.port), await openRtmp(listener.port)]
    await slow.start('play', 'live', 'cam')
    await good.start('play', 'live', 'cam')
    slow.socket.pause()
    let sent = 0
    await until(
      () =>
        `the slow one is let go after ${sent} frames: ${JSON.stringify(context.registry.find('live/cam')?.subscribers)}`,
      () => {
        source.send(200)
        sent += 200
        return /slow-subscriber: .* too slow for \d+ ms: \d+ bytes wait, 1048576 may/.test(logged())
      },
      30_000,
    )
    await until('the good one has all', () => {
      const got = good.messages.filter(({ type }) => type === 9).length
      return got >= sent
    })
    expect(context.registry.find('live/cam')?.subscribers).toHaveLength(1)
    slow.close()
    good.close()
  })

  test('shutting down tells publishers and players why', async () => {
    await listen()
    const source = publish('live/cam', h264Frames('h264-baseline'), aacFrames('aac-44100-stereo'))
    const [player, publisher] = [await openRtmp(listener.port), await openRtmp(listener.port)]
    await player.start('play', 'live', 'cam')
    await publisher.start('publish', 'live', 'other')
    source.send(2)
    await listener.close({ code: 'shutdown' })
    await until('both are told', () => player.isClosed() && publisher.isClosed())
    expect(player.codes()).toContain('NetStream.Play.UnpublishNotify')
    expect(publisher.codes().at(-1)).toBe('NetStream.Publish.Failed')
  })

  test('a publisher that sends nothing is let go with numbers', async () => {
    await listen({ publisherIdleMs: 200 })
    const publisher = await openRtmp(listener.port)
    await publisher.start('publish', 'live', 'silent')
    await until('it is let go', () => publisher.isClosed())
    expect(publisher.codes().at(-1)).toBe('NetStream.Publish.Failed')
    expect(logged()).toMatch(/timeout: no media for 2\d\d ms/)
  })

  test('an address in use is named', async () => {
    await listen()
    const again = rtmp.listen!(context, config({ listen: { port: listener.port } }))
    await expect(again).rejects.toMatchObject({ code: 'port-in-use' })
    expect(await rtmp.listen!(context, config({ listen: null }))).toBeUndefined()
  })
})
