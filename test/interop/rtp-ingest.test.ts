/**
 * What ffmpeg sends in plain RTP: codecs, session descriptions, loss and disorder on the way, read back.
 * Runs alone: what UDP loses on a busy machine is not asked for again.
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { rtp as adapter } from '../../src/adapters/rtp/adapter.ts'
import type { Accept, LinkStats } from '../../src/core/types.ts'
import type { AudioCodec, Frame } from '../../src/media/types.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { decoded, flashingClip, soundDelay } from '../helpers/flashes.ts'
import { h265Frames, vp8Frames, vp9Frames } from '../helpers/media-fixtures.ts'
import { type MemoryEgress, memoryEgress } from '../helpers/memory-egress.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'
import { freePairs, type RtpGateway, startRtpGateway } from '../helpers/rtp-gateway.ts'
import { decodeSound, frequencyOf, levelDb } from '../helpers/sound.ts'
import { startUdpRelay } from '../helpers/udp-relay.ts'

const SECONDS = 4
const fixtures = join(import.meta.dirname, '..', 'fixtures', 'media')

let rtp: RtpGateway
let context: TestContext
let clip: string
beforeAll(async () => {
  context = createTestContext()
  rtp = await startRtpGateway()
  clip = await flashingClip(rtp.folder, SECONDS, 2)
}, 30_000)
afterAll(async () => {
  await stopPrograms()
  await rtp.close()
  await context.close()
})

const send = (...args: readonly string[]) => startProgram('ffmpeg', ['-v', 'error', '-nostdin', ...args])

/** From a source into `NAME.flv`, sent when it is listened to, up to its end. */
const record = async (
  name: string,
  from: string,
  start: () => void,
): Promise<{ path: string; ended: string; link: LinkStats | undefined }> => {
  let isSending = false
  let link: LinkStats | undefined
  const { bridge } = await rtp.open(from, [`${name}.flv`], () => {
    if (!isSending) start()
    isSending = true
  })
  const { stream } = bridge.info()
  const left = rtp.gateway.registry.on('stream:closed', info => {
    if (info.name === stream) link = info.publisherLink
  })
  const reason = await bridge.closed
  left()
  return { path: join(rtp.folder, `${name}.flv`), ended: reason.detail ?? '', link }
}

/** ffmpeg sends the zero byte in front of a long start code as the end of the unit before it. */
const contentOf = ({ units }: Frame): string =>
  units
    .map(unit =>
      createHash('md5')
        .update(unit.subarray(0, unit.findLastIndex(byte => byte !== 0) + 1))
        .digest('hex'),
    )
    .join()

/** Frames of whatever codec, from a publication of its own. */
const collect = async (stream: string, url: string, accepts: readonly Accept[]): Promise<MemoryEgress> => {
  const publication = context.registry.publish(stream, { label: stream, onConflict: 'reject' })
  await adapter.pull!(context, adapter.config.parse({}), new URL(url), publication)
  const egress = memoryEgress({ accepts })
  void context.registry.subscribe(stream, egress, { start: 'last-gop', waitMs: 20_000 })
  return egress
}

describe('sound', () => {
  const codecs: readonly (readonly [AudioCodec, query: string, encoder: readonly string[]])[] = [
    ['opus', '', ['-c:a', 'libopus', '-b:a', '128k']],
    ['aac', 'clock=44100', ['-c:a', 'aac', '-ar', '44100', '-b:a', '128k']],
    ['pcmu', '', ['-c:a', 'pcm_mulaw', '-ar', '8000', '-ac', '1']],
    ['pcma', '', ['-c:a', 'pcm_alaw', '-ar', '8000', '-ac', '1']],
    ['g722', '', ['-c:a', 'g722', '-ar', '16000', '-ac', '1']],
    ['l16', 'clock=44100&pt=10', ['-c:a', 'pcm_s16be', '-ar', '44100']],
  ]

  test('of one ffmpeg in six codecs at once: the tone that was sent comes out of each', async () => {
    const first = await freePairs(codecs.length)
    const egresses = await Promise.all(
      codecs.map(([codec, query], index) =>
        collect(codec, `rtp://127.0.0.1:${first + index * 2}?codec=${codec}&${query}`, [
          { kind: 'audio', codec, form: 'frame' },
        ]),
      ),
    )
    const outputs = codecs.flatMap(([, , encoder], index) => [
      ...['-t', '3', '-map', '0:a', ...encoder, '-f', 'rtp', `rtp://127.0.0.1:${first + index * 2}`],
    ])
    const tone = 'aevalsrc=sin(2*PI*1000*t)/4|sin(2*PI*1000*t)/4:s=48000'
    const ffmpeg = send('-re', '-f', 'lavfi', '-i', tone, ...outputs)
    expect(await ffmpeg.exited, ffmpeg.output()).toBe(0)
    await until('all came', () => egresses.every(({ frames }) => frames.length > 50))
    for (const [index, { frames }] of egresses.entries()) {
      const { rate, channels } = await decodeSound(frames)
      const middle = channels[0]!.subarray(rate / 2, rate * 2)
      expect(frequencyOf(middle, rate), codecs[index]![0]).toBeCloseTo(1000, 0)
      expect(levelDb(middle), codecs[index]![0]).toBeCloseTo(20 * Math.log10(0.25 / Math.SQRT2), 0)
    }
  }, 60_000)
})

describe('pictures', () => {
  const codecs = [
    ['h265', 'h265.h265', h265Frames],
    ['vp8', 'vp8.ivf', vp8Frames],
    ['vp9', 'vp9.ivf', vp9Frames],
  ] as const

  test.concurrent('H.265, VP8 and VP9 come out of RTP byte by byte as they went in', async () => {
    const first = await freePairs(codecs.length)
    const egresses = await Promise.all(
      codecs.map(([codec], index) =>
        collect(codec, `rtp://127.0.0.1:${first + index * 2}?codec=${codec}`, [
          { kind: 'video', codec, form: 'frame' },
        ]),
      ),
    )
    const ffmpeg = send(
      ...codecs.flatMap(([, file]) => ['-re', '-i', join(fixtures, file)]),
      ...codecs.flatMap((_, index) => [
        ...['-map', `${index}:v`, '-c', 'copy', '-strict', 'experimental'],
        ...['-f', 'rtp', `rtp://127.0.0.1:${first + index * 2}`],
      ]),
    )
    expect(await ffmpeg.exited, ffmpeg.output()).toBe(0)
    for (const [index, [codec, , sent]] of codecs.entries()) {
      const [frames, all] = [egresses[index]!.frames, sent().map(contentOf)]
      await until(
        `${codec}: the last of them, of ${frames.length}`,
        () => frames.length > 0 && contentOf(frames.at(-1)!) === all.at(-1),
      )
      const got = frames.map(contentOf)
      expect(got, codec).toEqual(all)
    }
  }, 60_000)
})

describe('pictures and sound', () => {
  test.concurrent('H.264 with B-frames and Opus by a URL: they decode without a word, and stay together', async () => {
    const port = await freePairs(2)
    const from = `rtp://127.0.0.1:${port}?video=h264&audio=opus&timeout=1`
    const { path, ended } = await record('url', from, () =>
      send(
        ...['-re', '-i', clip, '-map', '0:v', '-c', 'copy', '-bsf:v', 'h264_mp4toannexb'],
        ...['-f', 'rtp', `rtp://127.0.0.1:${port}`],
        ...['-map', '0:a', '-c:a', 'libopus', '-f', 'rtp', `rtp://127.0.0.1:${port + 2}`],
      ),
    )
    expect(ended).toContain('nothing came for 1 s')
    const { pictures, seconds } = await decoded(path)
    expect(pictures).toBeGreaterThan((SECONDS - 1) * 30)
    expect(seconds).toBeGreaterThan(SECONDS - 1.2)
    expect(Math.abs(await soundDelay(path))).toBeLessThan(0.04)
  }, 60_000)

  test.concurrent('H.264 and AAC by the session description that ffmpeg wrote; BYE ends it', async () => {
    const port = await freePairs(2)
    const sending = (...limits: readonly string[]) => {
      const end = [...limits, '-c', 'copy', '-rtpflags', 'send_bye', '-f', 'rtp']
      return send(
        ...['-re', '-i', clip, '-sdp_file', join(rtp.folder, 'camera.sdp')],
        ...['-map', '0:v', ...end, `rtp://127.0.0.1:${port}`],
        ...['-map', '0:a', ...end, `rtp://127.0.0.1:${port + 2}`],
      )
    }
    await sending('-t', '0.1').exited
    const { path, ended } = await record('sdp', 'camera.sdp?timeout=8', () => sending())
    expect(ended).toContain('camera.sdp has ended')
    const { pictures, seconds } = await decoded(path)
    expect(pictures).toBeGreaterThan((SECONDS - 1) * 30)
    expect(seconds).toBeGreaterThan(SECONDS - 1.2)
    expect(Math.abs(await soundDelay(path))).toBeLessThan(0.04)
  }, 60_000)

  const moving = (port: number) =>
    send(
      ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-t', String(SECONDS)],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '15', '-f', 'rtp', `rtp://127.0.0.1:${port}`],
    )

  test.concurrent('what comes out of order is put in order: no picture is missing', async () => {
    const port = await freePairs(1)
    await using relay = await startUdpRelay(
      () => port,
      () => false,
      { holds: index => index % 7 === 3 },
    )
    const from = `rtp://127.0.0.1:${port}?codec=h264&timeout=1`
    const { path } = await record('disorder', from, () => moving(relay.port))
    expect((await decoded(path)).pictures).toBe(SECONDS * 30)
  }, 60_000)

  test.concurrent('what is lost costs pictures, and none is broken', async () => {
    const port = await freePairs(1)
    await using relay = await startUdpRelay(
      () => port,
      index => index > 200 && index % 89 === 7,
    )
    const from = `rtp://127.0.0.1:${port}?codec=h264&timeout=1`
    const { path, link } = await record('loss', from, () => moving(relay.port))
    const { pictures } = await decoded(path)
    expect(relay.lost).toBeGreaterThan(2)
    expect(link).toMatchObject({ lost: relay.lost })
    expect(link!.packets).toBeGreaterThan(200)
    expect(pictures).toBeLessThan(SECONDS * 30)
    expect(pictures).toBeGreaterThan(SECONDS * 10)
  }, 60_000)
})

test('a session description that asks too much is refused with its reason', async () => {
  const refuse = async (media: string): Promise<string> => {
    writeFileSync(join(rtp.folder, 'bad.sdp'), `v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\n${media}\r\n`)
    return rtp.open('bad.sdp', ['bad.flv']).then(
      () => 'it was taken',
      (error: Error) => error.message,
    )
  }
  expect(await refuse('m=video 5004 RTP/AVP 26')).toContain('JPEG is not read')
  expect(await refuse('m=video 5004 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000')).toContain(
    'RTP/AVP, AVPF',
  )
  expect(await refuse('m=audio 0 RTP/AVP 0')).toContain('no m=audio or m=video line with a port')
  const missing = join(rtp.folder, 'none.sdp')
  await expect(rtp.open('none.sdp', ['bad.flv'])).rejects.toMatchObject({
    ...{ code: 'not-found', status: 404, detail: `the file ${missing}` },
  })
})
