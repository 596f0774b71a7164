/** What services want of a stream, and what is done about it where it is not so. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import type { ConfigInput } from '../../src/config/config.ts'
import type { GatewayOptions } from '../../src/gateway.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import { inState, legOf, quick, RestreamBench } from '../helpers/restream-bench.ts'
import { startFrames, startPackets } from '../helpers/restream-source.ts'
import { asFlv, gapsOf, keyTimesOf, type ScriptedSink, timesOf } from '../helpers/scripted-sink.ts'
import { type LogLine, recordingLogger } from '../helpers/webrtc-gateway.ts'

const bench = new RestreamBench()
afterAll(async () => {
  await stopPrograms()
  bench.remove()
})
afterEach(() => bench.stop())

describe('what services want', () => {
  const withYoutube = (
    { port }: ScriptedSink,
    backup: string | null = null,
    more: object = {},
    options: GatewayOptions = {},
  ): Promise<void> => {
    const profiles = { youtube: { url: `rtmp://127.0.0.1:${port}/live2`, backup } }
    return bench.start({ ...more, restream: { ...quick, profiles } } as ConfigInput, options)
  }

  test('video alone to youtube: silence from the first tag, without a hole, that decodes', async () => {
    const youtube = await bench.sink()
    await withYoutube(youtube)
    await bench.publishVideoOnly()
    const bridge = await bench.restream('youtube:SECRET-KEY')
    await until('five seconds', () => timesOf(youtube.connections[0]!, 9).length > 150, 20_000)
    const connection = youtube.connections[0]!
    expect(connection.key).toBe('SECRET-KEY')
    const [video, audio] = [timesOf(connection, 9), timesOf(connection, 8)]
    expect(Math.abs(audio[0]! - video[0]!)).toBeLessThanOrEqual(22)
    expect(gapsOf(audio).longest).toBeLessThanOrEqual(50)
    expect(gapsOf(audio).shortest).toBeGreaterThan(0)
    expect(Math.abs(audio.at(-1)! - video.at(-1)!)).toBeLessThan(100)
    expect(gapsOf(keyTimesOf(connection)).longest).toBeLessThanOrEqual(2100)

    const file = join(bench.folder, 'silence.flv')
    writeFileSync(file, asFlv(connection))
    const said = await runProgram('ffmpeg', [
      ...['-v', 'info', '-xerror', '-i', file, '-af', 'volumedetect', '-f', 'null', '-'],
    ])
    expect(said).toMatch(/Audio: aac \(LC\), 48000 Hz, stereo/)
    expect(said).toMatch(/max_volume: -9\d\.\d dB/)
    expect(legOf(bridge).profile).toBe('youtube')
    const checks = Object.fromEntries(legOf(bridge).preflight.map(check => [check.check, check]))
    expect(checks.audio).toMatchObject({ ok: false, measured: 'none', repair: 'silence is inserted' })
    expect(checks.keyframes).toMatchObject({ ok: true, measured: 'every 1.0 s' })
    expect(checks['h264-profile']!.ok).toBe(true)
    expect(checks.bitrate!.measured).toMatch(/^\d+ kbit\/s$/)
    expect(JSON.stringify(bridge.info())).not.toContain('SECRET-KEY')
  })

  test('sound that comes later takes the place of silence, on one rising line', async () => {
    const youtube = await bench.sink()
    await withYoutube(youtube)
    const publication = bench.gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    const source = startFrames(publication)
    await bench.restream('youtube:KEY')
    await until('silence', () => timesOf(youtube.connections[0]!, 8).length > 50)
    source.addAudio()
    await until('sound', () => source.audioFrames > 100)
    source.muteAudio()
    const muted = timesOf(youtube.connections[0]!, 8).length
    await until('silence again', () => timesOf(youtube.connections[0]!, 8).length > muted + 100)
    const audio = timesOf(youtube.connections[0]!, 8)
    expect(gapsOf(audio).longest).toBeLessThanOrEqual(50)
    expect(gapsOf(audio).shortest).toBeGreaterThanOrEqual(0)
    const sizes = youtube.connections[0]!.tags.filter(({ type }) => type === 8).map(({ body }) => body.length)
    expect(new Set(sizes).size).toBeGreaterThan(10)
    source.stop()
    await publication.close()
  })

  test('key frames too far apart, and nothing may be transcoded: a problem, with its number', async () => {
    const youtube = await bench.sink()
    await withYoutube(youtube, null, { transcode: { policy: 'audio' } })
    await bench.publishVideoOnly(150)
    const bridge = await bench.restream('youtube:KEY')
    await until(
      'two key frames',
      () => legOf(bridge).preflight.some(({ check, ok }) => check === 'keyframes' && ok === false),
      20_000,
    )
    const check = legOf(bridge).preflight.find(({ check }) => check === 'keyframes')!
    expect(check).toMatchObject({ wanted: 'every 2 s or less', repair: null })
    expect(check.measured).toMatch(/^every [2-5]\.\d s$/)
  })

  test('key frames too far apart: the picture is encoded anew, on one rising line', async () => {
    const youtube = await bench.sink()
    await withYoutube(youtube)
    await bench.publishVideoOnly(300)
    const bridge = await bench.restream('youtube:KEY')
    const keyframes = () => legOf(bridge).preflight.find(({ check }) => check === 'keyframes')
    await until('it is found out', () => keyframes()?.repair === 'the picture is encoded anew', 20_000)
    const from = timesOf(youtube.connections[0]!, 9).at(-1)!
    await until('six seconds', () => timesOf(youtube.connections[0]!, 9).at(-1)! > from + 6_000, 20_000)
    const connection = youtube.connections[0]!
    const [times, keys] = [timesOf(connection, 9), keyTimesOf(connection)]
    const encoded = bench.gateway.registry.find('live/cam')?.tracks.find(({ derivedFrom }) => derivedFrom)
    // Whatever goes wrong here is seldom: what the encoder left out, and when, tells the cause.
    const told = JSON.stringify({ from, keys, gaps: gapsOf(times), encoder: encoded?.stats?.transcode })
    expect(youtube.connections, told).toHaveLength(1)
    expect(gapsOf(times).shortest, told).toBeGreaterThanOrEqual(0)
    expect(gapsOf(times).longest, told).toBeLessThan(2_500)
    expect(gapsOf(keys.filter(time => time > from)).longest, told).toBeLessThanOrEqual(2_100)
    expect(gapsOf(timesOf(connection, 8)).longest, told).toBeLessThanOrEqual(50)
    const file = join(bench.folder, 'anew.flv')
    writeFileSync(file, asFlv(connection))
    await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'])
  })

  test('key frames too far apart, and no processor left for an encoder: it goes on as it is, and says why', async () => {
    const youtube = await bench.sink()
    const lines: LogLine[] = []
    await withYoutube(youtube, null, { transcode: { cores: 0.05 } }, { log: recordingLogger(lines) })
    await bench.publishVideoOnly(150)
    const bridge = await bench.restream('youtube:KEY')
    const words = (): string => lines.map(({ message }) => message).join('\n')
    await until(words, () => words().includes('its picture is not encoded anew'))
    expect(words()).toMatch(/it needs 0\.\d\d of a core, 0\.05 of 0\.05 left \(transcode\.cores\)/)
    const before = timesOf(youtube.connections[0]!, 9).length
    await until('it goes on', () => timesOf(youtube.connections[0]!, 9).length > before + 30)
    const check = legOf(bridge).preflight.find(({ check }) => check === 'keyframes')!
    expect(check).toMatchObject({ ok: false, repair: null })
    expect(legOf(bridge)).toMatchObject({ state: 'live', retries: 0 })
    expect(youtube.connections).toHaveLength(1)
  })

  test('a WebRTC source is asked for key frames in time', async () => {
    const youtube = await bench.sink()
    await withYoutube(youtube)
    const publication = bench.gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    const source = startPackets(publication)
    const bridge = await bench.restream('youtube:KEY')
    await until('seven seconds', () => timesOf(youtube.connections[0]!, 9).length > 210, 20_000)
    const keys = keyTimesOf(youtube.connections[0]!)
    expect(keys.length).toBeGreaterThan(2)
    // Without being asked it would send none at all.
    expect(gapsOf(keys).longest).toBeLessThan(3_000)
    expect(gapsOf(keys.slice(1)).shortest).toBeGreaterThan(1000)
    const check = legOf(bridge).preflight.find(({ check }) => check === 'keyframes')!
    expect(check).toMatchObject({ ok: true, repair: 'the source is asked for them' })
    source.stop()
    await publication.close()
  })

  test('the backup address takes over while the first is away', async () => {
    const [backup, port] = [await bench.sink(), await freePort()]
    await bench.start({
      restream: {
        ...quick,
        profiles: {
          youtube: {
            url: `rtmp://127.0.0.1:${port}/live2`,
            backup: `rtmp://127.0.0.1:${backup.port}/live2?backup=1`,
          },
        },
      },
    } as ConfigInput)
    await bench.publish()
    const bridge = await bench.restream('youtube:KEY')
    await inState(bridge, 'live')
    await until('it takes', () => backup.connections[0]!.tags.length > 30)
    expect(backup.connections[0]!.key).toBe('KEY')
    expect(legOf(bridge).retries).toBe(1)
  })
})
