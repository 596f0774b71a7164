/** ffmpeg publishes to us and plays from us. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Listener } from '../../src/adapters/adapter.ts'
import { rtmp } from '../../src/adapters/rtmp/adapter.ts'
import { GatewayError } from '../../src/errors.ts'
import { createTestContext, type TestContext } from '../helpers/adapter-context.ts'
import { type ClipOptions, clip, contentHashes, packetHashes, packetTimes } from '../helpers/clip.ts'
import { type Program, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'

let context: TestContext
let listener: Listener
const refused = new Set<string>()
beforeEach(async () => {
  context = createTestContext(async ({ stream, pass }) => {
    if (refused.has(stream)) throw new GatewayError('forbidden', 'only for members')
    if (pass === 'wrong') throw new GatewayError('unauthorized', 'wrong password')
  })
  listener = (await rtmp.listen?.(context, rtmp.config.parse({ listen: { port: 0 } })))!
})
afterEach(async () => {
  await stopPrograms()
  await context.close()
})
afterAll(stopPrograms)

const url = (path: string): string => `rtmp://127.0.0.1:${listener.port}/${path}`
const publish = async (options: ClipOptions, path: string, ...extra: string[]): Promise<Program> =>
  startProgram('ffmpeg', [
    '-v',
    'error',
    '-re',
    '-i',
    await clip(options),
    '-c',
    'copy',
    ...extra,
    '-f',
    'flv',
    url(path),
  ])
const ready = (name: string): Promise<void> =>
  until(
    () => `${name} is ready; ${context.logged.join('\n')}`,
    () => context.registry.find(name)?.state === 'ready',
  )
const decode = (path: string, ...extra: string[]): Promise<string> =>
  runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', url(path), ...extra, '-f', 'null', '-'])

/** Publishes a whole clip of one GOP and records it again through us; every packet must come out as it went in. */
const relay = async (options: ClipOptions, toleranceMs = 0, ...extra: string[]): Promise<void> => {
  const whole = { ...options, gop: 10_000 }
  const publisher = await publish(whole, 'live/cam', ...extra)
  await ready('live/cam')
  const out = await packetHashes(url('live/cam'))
  expect(await publisher.exited).toBe(0)
  const source = await packetHashes(await clip(whole))
  for (const stream of [0, 1]) {
    const sent = contentHashes(source, stream)
    const got = contentHashes(out, stream)
    expect(got.length).toBeGreaterThan(sent.length * 0.9)
    expect(got.slice(-20)).toEqual(sent.slice(-20))
    if (stream === 0) expect(got).toEqual(sent)
  }
  const times = packetTimes(out, 0)
  const apart = packetTimes(source, 0).map(([cts, dts], index) => [
    times[index]![0] - cts,
    times[index]![1] - dts,
  ])
  expect(apart.every(([cts]) => cts === 0)).toBe(true)
  expect(Math.max(...apart.map(([, dts]) => Math.abs(dts!)))).toBeLessThanOrEqual(toleranceMs)
}

describe('ffmpeg and our RTMP server', () => {
  test('H.264 with B-frames and AAC go through unchanged', () => relay({ seconds: 2, bFrames: 2 }))

  // ffmpeg clears the top bit of its times: at 2^31 ms it starts again at 0, and the line is mended within 40 ms.
  test.each([
    ['16 776 s, crossing 24 bits', '16776', 0],
    ['17 000 s', '17000', 0],
    ['2 147 482 s, crossing 31 bits', '2147482', 40],
  ])('times of %s make no difference', async (_, offset, toleranceMs) => {
    await relay({ seconds: 2, bFrames: 2 }, toleranceMs, '-output_ts_offset', offset)
    expect(context.logged.join('\n')).not.toContain('connection failed')
  })

  test('frames of hundreds of kilobytes', () => relay({ seconds: 2, size: '1280x720', noise: '15M' }))

  test('three players at once decode without an error, each joining where it likes', async () => {
    await publish({ seconds: 8, bFrames: 2 }, 'live/room/cam')
    await ready('live/room/cam')
    const players = [decode('live/room/cam', '-t', '2')]
    await until('a player', () => (context.registry.find('live/room/cam')?.subscribers.length ?? 0) > 0)
    players.push(decode('live/room/cam', '-t', '2'), decode('live/room/cam', '-t', '2'))
    expect(await Promise.all(players)).toEqual(['', '', ''])
    const probed = JSON.parse(
      await runProgram('ffprobe', ['-v', 'error', '-of', 'json', '-show_streams', url('live/room/cam')]),
    ) as { streams: { codec_name: string; width?: number; sample_rate?: string }[] }
    expect(probed.streams.map(({ codec_name }) => codec_name).sort()).toEqual(['aac', 'h264'])
    expect(probed.streams.find(({ width }) => width !== undefined)?.width).toBe(320)
  })

  test('credentials in the query of the key or of the application reach the decision', async () => {
    await publish({ seconds: 4 }, 'live/room/a?user=u&pass=p')
    await ready('live/room/a')
    expect(context.asked[0]).toEqual({
      action: 'publish',
      stream: 'live/room/a',
      protocol: 'rtmp',
      remote: '127.0.0.1',
      user: 'u',
      pass: 'p',
    })
  })

  test('a player sees the end of the stream', async () => {
    await publish({ seconds: 2 }, 'live/cam')
    await ready('live/cam')
    expect(await decode('live/cam')).toBe('')
    await until('nobody is left', () => context.registry.find('live/cam') === undefined)
    expect(context.logged.join('\n')).toMatch(/RTMP source ended .*source-ended/)
  })

  test.each([
    ['live/nobody', /StreamNotFound.*|no publisher/],
    ['live/..', /bad|name/i],
    ['live/cam?pass=wrong', /Credentials are missing or wrong: wrong password/],
  ])('playing %s is refused with a sentence', async (path, sentence) => {
    await expect(decode(path)).rejects.toThrow(sentence)
  })

  test('publishing is refused with a sentence, and no byte reaches the registry', async () => {
    refused.add('live/private')
    const publisher = await publish({ seconds: 2 }, 'live/private')
    expect(await publisher.exited).not.toBe(0)
    expect(publisher.output()).toContain('This is not allowed: only for members')
    expect(context.registry.list()).toEqual([])
  })

  test('a second publisher gets BadName while the first is alive, and takes over when it is frozen', async () => {
    const first = await publish({ seconds: 20 }, 'live/cam')
    await ready('live/cam')
    const second = await publish({ seconds: 3 }, 'live/cam')
    expect(await second.exited).not.toBe(0)
    expect(second.output()).toContain('The stream is already being published: live/cam')
    first.child.kill('SIGSTOP')
    await until('the frozen publisher is displaced', async () => {
      const next = await publish({ seconds: 1 }, 'live/cam')
      return (await next.exited) === 0
    })
    expect(context.logged.join('\n')).toMatch(/RTMP source ended .*replaced/)
    first.child.kill('SIGKILL')
  })

  test('the same credentials take over at once', async () => {
    const first = await publish({ seconds: 20 }, 'live/cam?user=me&pass=p')
    await ready('live/cam')
    const second = await publish({ seconds: 2 }, 'live/cam?user=me&pass=p')
    expect(await second.exited).toBe(0)
    expect(await first.exited).not.toBe(0)
  })
})
