import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { createRegistry } from '../../src/core/registry.ts'
import type { Registry } from '../../src/core/types.ts'
import { createH264Params } from '../../src/media/h264/parameters.ts'
import { splitAnnexB } from '../../src/media/nal.ts'
import { createPacketiser } from '../../src/media/rtp/packetise.ts'
import type { Frame } from '../../src/media/types.ts'
import { createSnapshots } from '../../src/snapshot/snapshots.ts'
import { aac, sound } from '../helpers/core-media.ts'
import { av1Frames, h264Frames, h265Frames, vp8Frames, vp9Frames } from '../helpers/media-fixtures.ts'
import { isGone } from '../helpers/processes.ts'
import { until } from '../helpers/program.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'snapshots-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const media = join(import.meta.dirname, '../fixtures/media')

const publish = (registry: Registry, frames: readonly Frame[]) => {
  const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
  const writer = publication.addTrack({ id: 'video', native: 'frame', params: frames[0]!.params })
  publication.ready()
  return { publication, write: (frame: Frame) => writer.write(frame) }
}
const snapshotsOf = (registry: Registry, ffmpeg = 'ffmpeg', timeoutMs?: number) =>
  createSnapshots({
    registry,
    clock: systemClock,
    ffmpegPath: () => ffmpeg,
    ...(timeoutMs !== undefined && { timeoutMs }),
  })

/** A stand-in that is called as ffmpeg is. */
const script = async (name: string, body: string): Promise<string> => {
  const path = join(folder, name)
  const listing = `case "$*" in *-version*|*-encoders*|*-decoders*) exec ffmpeg "$@";; esac`
  writeFileSync(path, `#!/bin/sh\n${listing}\n${body}\n`)
  await chmod(path, 0o755)
  return path
}

/** How near two pictures are, in dB. */
const psnr = async (jpeg: Uint8Array, reference: string): Promise<number> => {
  const path = join(folder, `${performance.now()}.jpg`)
  writeFileSync(path, jpeg)
  const { stderr } = await run('ffmpeg', [
    ...['-hide_banner', '-i', path, '-i', reference, '-frames:v', '1'],
    ...['-lavfi', '[0:v]format=yuv420p[a];[1:v]format=yuv420p[b];[a][b]psnr', '-f', 'null', '-'],
  ])
  return Number(/average:(\S+)/.exec(stderr)?.[1] ?? 0)
}

describe('a picture of a live stream', () => {
  test.each([
    ['h264', 'h264-baseline.h264', h264Frames('h264-baseline')],
    ['h264 with B-frames', 'h264-bframes.h264', h264Frames('h264-bframes')],
    ['h265', 'h265.h265', h265Frames()],
    ['vp8', 'vp8.ivf', vp8Frames()],
    ['vp9', 'vp9.ivf', vp9Frames()],
    ['av1', 'av1.obu', av1Frames()],
  ])('%s: the last key frame, as the source drew it', async (_what, file, frames) => {
    await using registry = createRegistry()
    const source = publish(registry, frames)
    const second = frames.findIndex((frame, i) => i > 0 && frame.key)
    for (const frame of second < 0 ? frames : frames.slice(0, second)) source.write(frame)
    const jpeg = await snapshotsOf(registry).take('live/cam')
    expect([...jpeg.subarray(0, 2)]).toEqual([0xff, 0xd8])
    expect(await psnr(jpeg, join(media, file))).toBeGreaterThan(25)
    expect(registry.find('live/cam')?.subscribers).toEqual([])
  })

  test('a source that sends packets is asked for a key frame', async () => {
    await using registry = createRegistry()
    const frames = h264Frames('h264-baseline')
    const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    let asked = 0
    const params = frames[0]!.params
    const writer = publication.addTrack({
      id: 'video',
      native: 'rtp',
      params,
      onKeyframeRequest: () => {
        asked += 1
        packetiser.push(frames[0]!)
      },
    })
    const packetiser = createPacketiser(params, { maxPayload: 1188 }, packet => {
      writer.write(packet)
    })
    publication.ready()
    const jpeg = await snapshotsOf(registry).take('live/cam')
    expect(asked).toBe(1)
    expect(await psnr(jpeg, join(media, 'h264-baseline.h264'))).toBeGreaterThan(25)
  })

  test('all who ask within a second get the same one, of one ffmpeg; large pictures are made smaller', async () => {
    const calls = join(folder, 'calls')
    const counting = await script('counting', `echo call >> ${calls}; exec ffmpeg "$@"`)
    const big = join(folder, 'big.h264')
    await run('ffmpeg', [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=1920x1440', '-frames:v', '1'],
      ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'ultrafast', big],
    ])
    const nals = splitAnnexB(new Uint8Array(readFileSync(big)))
    const type = (nal: Uint8Array) => nal[0]! & 0x1f
    const only = (wanted: number) => nals.filter(nal => type(nal) === wanted)
    const params = createH264Params(only(7), only(8))
    await using registry = createRegistry()
    const frame = { ...h264Frames('h264-baseline')[0]!, params, units: only(5) }
    publish(registry, [frame]).write(frame)
    const snapshots = snapshotsOf(registry, counting)
    const [first, ...others] = await Promise.all(Array.from({ length: 8 }, () => snapshots.take('live/cam')))
    for (const other of others) expect(other).toBe(first)
    expect(await snapshots.take('live/cam')).toBe(first)
    expect(readFileSync(calls, 'utf8').trim().split('\n')).toHaveLength(1)
    writeFileSync(join(folder, 'big.jpg'), first!)
    const { stdout } = await run('ffprobe', [
      ...['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', join(folder, 'big.jpg')],
    ])
    expect(stdout.trim()).toBe('960,720')
  })
})

describe('without a picture there is a reason', () => {
  test('nobody publishes, or sound only', async () => {
    await using registry = createRegistry()
    const snapshots = snapshotsOf(registry)
    await expect(snapshots.take('live/cam')).rejects.toMatchObject({ code: 'stream-offline' })
    const publication = registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    publication.addTrack({ id: 'audio', native: 'frame', params: aac }).write(sound(0))
    publication.ready()
    await expect(snapshots.take('live/cam')).rejects.toMatchObject({ code: 'not-found' })
  })

  test('no key frame within the time, or a stream that ends meanwhile', async () => {
    await using registry = createRegistry()
    const { publication } = publish(registry, h264Frames('h264-baseline'))
    const snapshots = snapshotsOf(registry, 'ffmpeg', 200)
    await expect(snapshots.take('live/cam')).rejects.toMatchObject({ code: 'timeout', status: 504 })
    const taking = snapshots.take('live/cam')
    await until('it reads', () => registry.find('live/cam')?.subscribers.length === 1)
    await publication.close()
    await expect(taking).rejects.toMatchObject({ code: 'stream-offline' })
  })

  test('no ffmpeg, one that fails, and one that hangs, which is killed', async () => {
    await using registry = createRegistry()
    publish(registry, h264Frames('h264-baseline')).write(h264Frames('h264-baseline')[0]!)
    const take = (path: string, timeoutMs?: number) => snapshotsOf(registry, path, timeoutMs).take('live/cam')
    await expect(take('/none/ffmpeg')).rejects.toMatchObject({ code: 'dependency-missing', status: 503 })
    const failing = await script('failing', 'echo no way >&2; exit 1')
    await expect(take(failing)).rejects.toMatchObject({
      code: 'transcode-unavailable',
      message: expect.stringContaining('exited with code 1: no way'),
    })
    const pidFile = join(folder, 'pid')
    const hanging = await script('hanging', `echo $$ > ${pidFile}; exec sleep 60`)
    await expect(take(hanging, 1000)).rejects.toMatchObject({ code: 'timeout', status: 504 })
    expect(isGone(Number(readFileSync(pidFile, 'utf8')))).toBe(true)
  })

  test('too many at once', async () => {
    await using registry = createRegistry()
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) {
      const publication = registry.publish(name, { label: 'test', onConflict: 'reject' })
      publication.addTrack({ id: 'video', native: 'frame', params: h264Frames('h264-baseline')[0]!.params })
      publication.ready()
    }
    const snapshots = snapshotsOf(registry, 'ffmpeg', 300)
    const results = await Promise.allSettled(names.map(name => snapshots.take(name)))
    const codes = results.map(result => (result as PromiseRejectedResult).reason.code)
    expect(codes).toEqual(['timeout', 'timeout', 'timeout', 'timeout', 'busy'])
  })
})
