/** A live stream to several destinations: real nginx-rtmp, and servers that misbehave as scripted. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Bridge } from '../../src/bridges/bridge.ts'
import type { LegInfo } from '../../src/bridges/leg-info.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, type Program, runProgram, startProgram, stopPrograms, until } from '../helpers/program.ts'
import { startFrames, startPackets } from '../helpers/restream-source.ts'
import {
  asFlv,
  type Behaviour,
  gapsOf,
  keyTimesOf,
  type ScriptedSink,
  startScriptedSink,
  timesOf,
} from '../helpers/scripted-sink.ts'

const folder = mkdtempSync(join(tmpdir(), 'restream-'))
let nginx: NginxRtmp
let gateway: Gateway
const sinks: ScriptedSink[] = []
const programs: Program[] = []

/** A tenth of the usual times, so that the table is walked in seconds. */
const quick: ConfigInput['restream'] = {
  retry: { firstMs: 100, maxMs: 1_600, refusedFirstMs: 3_000, dwellMs: 1_000, settleMs: 300 },
  stallMs: 2_000,
}
const start = (more: ConfigInput = {}): Promise<Gateway> =>
  createGateway({
    http: { listen: { port: 0 } },
    rtmp: { listen: { port: 0 } },
    webrtc: { listen: { host: '127.0.0.1', port: 0 } },
    log: { level: 'silent' },
    restream: quick,
    ...more,
  } as ConfigInput)

beforeAll(async () => {
  nginx = await startNginxRtmp()
})
afterAll(async () => {
  await nginx.stop()
  await stopPrograms()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  gateway = await start()
})
afterEach(async () => {
  await gateway.close({ code: 'shutdown' })
  await Promise.all([...sinks.splice(0).map(sink => sink.close()), ...programs.splice(0).map(p => p.stop())])
})

const sink = async (script: (n: number) => Behaviour = () => 'take'): Promise<ScriptedSink> => {
  const made = await startScriptedSink(script)
  sinks.push(made)
  return made
}
const rtmpDoor = (name: string, at = gateway): string =>
  `rtmp://127.0.0.1:${at.doors.get('rtmp')!.port}/${name}`
const isReady = (name: string): boolean => gateway.registry.find(name)?.state === 'ready'
const publish = async (name = 'live/cam'): Promise<Program> => {
  const program = publishTestSource({ url: rtmpDoor(name) })
  programs.push(program)
  await until(`${name} is ready`, () => isReady(name))
  return program
}
const publishVideoOnly = async (gop = 30): Promise<void> => {
  programs.push(
    startProgram('ffmpeg', [
      ...['-v', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30'],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-pix_fmt', 'yuv420p'],
      ...['-g', String(gop), '-keyint_min', String(gop), '-sc_threshold', '0', '-b:v', '800k', '-an'],
      ...['-f', 'flv', rtmpDoor('live/cam')],
    ]),
  )
  await until('live/cam is ready', () => isReady('live/cam'))
}
const restream = (...to: string[]): Promise<Bridge> =>
  gateway.bridges.open({ from: 'stream:live/cam', to, resolveFile: name => join(folder, name) })
const leg = (bridge: Bridge, i = 0): LegInfo => bridge.info().legs[i]!
const inState = (bridge: Bridge, state: LegInfo['state'], i = 0, timeoutMs = 15_000): Promise<void> =>
  until(
    () => `leg ${i} is ${state}: ${leg(bridge, i).state}, ${leg(bridge, i).error?.message}`,
    () => leg(bridge, i).state === state,
    timeoutMs,
  )
/** Connections that the sink had, one picture in 33 ms without a hole, never back. */
const expectUnbroken = ({ connections }: ScriptedSink): void => {
  expect(connections).toHaveLength(1)
  const { longest, shortest } = gapsOf(timesOf(connections[0]!, 9))
  expect(longest).toBeLessThanOrEqual(40)
  expect(shortest).toBeGreaterThanOrEqual(0)
}

describe('a destination that misbehaves', () => {
  test('resets: it is tried again by the table, and its neighbour misses no picture', async () => {
    await publish()
    const [bad, good] = [await sink(() => 'reset'), await sink()]
    const bridge = await restream(bad.url('KEY'), good.url('KEY'))
    await until('six tries', () => bad.connections.length >= 6, 20_000)
    const waits = bad.connections
      .slice(1, 6)
      .map((connection, i) => connection.at - (bad.connections[i]!.closedAt ?? 0))
    const table = [100, 200, 400, 800, 1600]
    for (const [i, wait] of waits.entries()) {
      expect(wait).toBeGreaterThan(table[i]! * 0.9 - 5)
      expect(wait).toBeLessThan(table[i]! * 1.1 + 150)
    }
    expect(leg(bridge)).toMatchObject({ error: { code: 'connection-lost' } })
    expect(leg(bridge).retries).toBeGreaterThanOrEqual(5)
    expect(leg(bridge, 1)).toMatchObject({ state: 'live', retries: 0 })
    expectUnbroken(good)
  })

  test('stops reading: it is not called live for longer than the limit, and is connected anew', async () => {
    await publish()
    const [bad, good] = [await sink(n => (n === 0 ? 'stop-reading' : 'take')), await sink()]
    const bridge = await restream(bad.url('KEY'), good.url('KEY'))
    await until('it reads no more', () => bad.connections[0]!.socket.isPaused())
    const stoppedAt = performance.now()
    await until('it is found out', () => leg(bridge).state !== 'live', 10_000)
    expect(performance.now() - stoppedAt).toBeLessThan(5_000)
    expect(leg(bridge).error).toMatchObject({ code: 'timeout' })
    expect(leg(bridge).error!.message).toMatch(/acknowledged|no byte went out/)
    await inState(bridge, 'live')
    await until('it is taken again', () => (bad.connections[1]?.tags.length ?? 0) > 60)
    expect(keyTimesOf(bad.connections[1]!)[0]).toBe(timesOf(bad.connections[1]!, 9)[0])
    expectUnbroken(good)
  })

  test.each<[Behaviour, RegExp]>([
    ['bad-name', /BadName/],
    ['hang-up', /closed the connection during publishing/],
  ])('%s: a refusal is final, said, and not tried again', async (behaviour, sentence) => {
    await publish()
    const [bad, good] = [await sink(() => behaviour), await sink()]
    const bridge = await restream(bad.url('SECRETKEY'), good.url('KEY'))
    await inState(bridge, 'failed')
    expect(leg(bridge).error!.message).toMatch(sentence)
    expect(leg(bridge)).toMatchObject({ retries: 0, nextRetryAt: undefined })
    expect(JSON.stringify(bridge.info())).not.toContain('SECRETKEY')
    await until('two seconds later', () => timesOf(good.connections[0]!, 9).length > 60)
    expect(bad.connections).toHaveLength(1)
    expect(leg(bridge, 1).state).toBe('live')
    expectUnbroken(good)
  })

  test('what was allowed before and is refused now is asked for again, later', async () => {
    await publish()
    const bad = await sink(n => (n === 1 ? 'bad-name' : 'take'))
    const bridge = await restream(bad.url('KEY'))
    await until('it is live for a while', () => timesOf(bad.connections[0]!, 9).length > 30)
    bad.connections[0]!.socket.resetAndDestroy()
    await until('it is refused', () => leg(bridge).error?.code === 'refused')
    expect(leg(bridge).state).toBe('backoff')
    const waitMs = leg(bridge).nextRetryAt! / 1000 - Date.now()
    expect(waitMs).toBeGreaterThan(2_000)
    await inState(bridge, 'live')
    expect(bad.connections).toHaveLength(3)
  })

  test('only destinations that refuse: opening the bridge fails with what the first said', async () => {
    await publish()
    const bad = await sink(() => 'bad-name')
    await expect(restream(bad.url('A'), bad.url('B'))).rejects.toMatchObject({ code: 'refused' })
    expect(gateway.bridges.list()).toEqual([])
  })
})

describe('nginx-rtmp', () => {
  test('restarted under a live restream: it goes on, its neighbour without a hole', async () => {
    await publish()
    const port = await freePort()
    let server = await startNginxRtmp(port)
    const good = await sink()
    const bridge = await restream(server.url('cam'), good.url('KEY'))
    await inState(bridge, 'live')
    // A server that hangs up sooner has thought twice and refuses.
    await until('three seconds', () => timesOf(good.connections[0]!, 9).length > 110)
    await server.stop()
    await until('it is missed', () => leg(bridge).state === 'backoff')
    server = await startNginxRtmp(port)
    await inState(bridge, 'live')
    const out = join(folder, 'after.flv')
    await runProgram('ffmpeg', ['-v', 'error', '-y', '-i', server.url('cam'), '-t', '2', '-c', 'copy', out])
    await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', out, '-f', 'null', '-'])
    expect(leg(bridge).retries).toBeGreaterThan(0)
    expectUnbroken(good)
    await server.stop()
  })

  test('says Publish.Start and hangs up: that is a refusal', async () => {
    await publish()
    const opening = restream(nginx.url('SECRETKEY', 'closed'))
    await expect(opening).rejects.toMatchObject({ code: 'refused' })
    await expect(opening).rejects.not.toThrow(/SECRETKEY/)
  })
})

describe('a source that goes and comes', () => {
  test('its destinations wait, and go on with a key frame, headers first, on one rising line', async () => {
    const good = await sink()
    const bridge = await restream(good.url('KEY'))
    expect(leg(bridge)).toMatchObject({ state: 'backoff', nextRetryAt: undefined })
    expect(leg(bridge).error!.message).toContain('waiting for live/cam')
    const first = await publish()
    await inState(bridge, 'live')
    await until('a second', () => timesOf(good.connections[0]!, 9).length > 30)
    await first.stop()
    await inState(bridge, 'backoff')
    await publish()
    await inState(bridge, 'live')
    await until('another second', () => timesOf(good.connections[1]!, 9).length > 30)
    for (const connection of good.connections) {
      const [metadata, ...media] = connection.tags
      expect(metadata!.type).toBe(18)
      const video = media.filter(({ type }) => type === 9)
      expect([video[0]!.body[1], video[1]!.body[0]! >> 4]).toEqual([0, 1])
      expect(gapsOf(timesOf(connection, 9)).shortest).toBeGreaterThanOrEqual(0)
      expect(gapsOf(timesOf(connection, 8)).shortest).toBeGreaterThanOrEqual(0)
    }
    expect(leg(bridge).retries).toBe(0)
  })

  test('a bridge of the configuration pulls a server that is not there yet, and again when it was away', async () => {
    const port = await freePort()
    const good = await sink()
    const other = await start({
      bridges: [{ from: `rtmp://127.0.0.1:${port}/live/cam`, to: ['stream:live/pulled', good.url('KEY')] }],
    } as ConfigInput)
    try {
      const id = other.bridges.list()[0]!.id
      const info = () => other.bridges.find(id)!
      await until('it is tried', () => info().source!.state === 'backoff')
      let server = await startNginxRtmp(port)
      programs.push(publishTestSource({ url: server.url('cam') }))
      const tags = (): number => good.connections.reduce((sum, { tags }) => sum + tags.length, 0)
      await until('it comes through', () => tags() > 60, 20_000)
      await server.stop()
      await until('it is missed', () => info().source!.state === 'backoff')
      server = await startNginxRtmp(port)
      programs.push(publishTestSource({ url: server.url('cam') }))
      const before = tags()
      await until('it comes through again', () => tags() > before + 60, 20_000)
      expect(info()).toMatchObject({ state: 'live', source: { state: 'live' } })
      for (const connection of good.connections)
        expect(gapsOf(timesOf(connection, 9)).shortest).toBeGreaterThanOrEqual(0)
      await server.stop()
    } finally {
      await other.close()
    }
  })
})

describe('what services want', () => {
  const withYoutube = (to: ScriptedSink, backup: string | null = null, more: object = {}): Promise<Gateway> =>
    start({
      ...more,
      restream: { ...quick, profiles: { youtube: { url: `rtmp://127.0.0.1:${to.port}/live2`, backup } } },
    } as ConfigInput)

  test('video alone to youtube: silence from the first tag, without a hole, that decodes', async () => {
    const youtube = await sink()
    await gateway.close()
    gateway = await withYoutube(youtube)
    await publishVideoOnly()
    const bridge = await restream('youtube:SECRET-KEY')
    await until('five seconds', () => timesOf(youtube.connections[0]!, 9).length > 150, 20_000)
    const connection = youtube.connections[0]!
    expect(connection.key).toBe('SECRET-KEY')
    const [video, audio] = [timesOf(connection, 9), timesOf(connection, 8)]
    expect(Math.abs(audio[0]! - video[0]!)).toBeLessThanOrEqual(22)
    expect(gapsOf(audio).longest).toBeLessThanOrEqual(50)
    expect(gapsOf(audio).shortest).toBeGreaterThan(0)
    expect(Math.abs(audio.at(-1)! - video.at(-1)!)).toBeLessThan(100)
    expect(gapsOf(keyTimesOf(connection)).longest).toBeLessThanOrEqual(2100)

    const file = join(folder, 'silence.flv')
    writeFileSync(file, asFlv(connection))
    const said = await runProgram('ffmpeg', [
      ...['-v', 'info', '-xerror', '-i', file, '-af', 'volumedetect', '-f', 'null', '-'],
    ])
    expect(said).toMatch(/Audio: aac \(LC\), 48000 Hz, stereo/)
    expect(said).toMatch(/max_volume: -9\d\.\d dB/)
    const checks = Object.fromEntries(leg(bridge).preflight.map(check => [check.check, check]))
    expect(checks.audio).toMatchObject({ ok: false, measured: 'none', repair: 'silence is inserted' })
    expect(checks.keyframes).toMatchObject({ ok: true, measured: 'every 1.0 s' })
    expect(checks['h264-profile']!.ok).toBe(true)
    expect(checks.bitrate!.measured).toMatch(/^\d+ kbit\/s$/)
    expect(JSON.stringify(bridge.info())).not.toContain('SECRET-KEY')
  })

  test('sound that comes later takes the place of silence, on one rising line', async () => {
    const youtube = await sink()
    await gateway.close()
    gateway = await withYoutube(youtube)
    const publication = gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    const source = startFrames(publication)
    await restream('youtube:KEY')
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
    const youtube = await sink()
    await gateway.close()
    gateway = await withYoutube(youtube, null, { transcode: { policy: 'audio' } })
    await publishVideoOnly(150)
    const bridge = await restream('youtube:KEY')
    await until(
      'two key frames',
      () => leg(bridge).preflight.some(({ check, ok }) => check === 'keyframes' && ok === false),
      20_000,
    )
    const check = leg(bridge).preflight.find(({ check }) => check === 'keyframes')!
    expect(check).toMatchObject({ wanted: 'every 2 s or less', repair: null })
    expect(check.measured).toMatch(/^every [2-5]\.\d s$/)
  })

  test('key frames too far apart: the picture is encoded anew, on one rising line', async () => {
    const youtube = await sink()
    await gateway.close()
    gateway = await withYoutube(youtube)
    await publishVideoOnly(300)
    const bridge = await restream('youtube:KEY')
    const keyframes = () => leg(bridge).preflight.find(({ check }) => check === 'keyframes')
    await until('it is found out', () => keyframes()?.repair === 'the picture is encoded anew', 20_000)
    const from = timesOf(youtube.connections[0]!, 9).at(-1)!
    await until('six seconds', () => timesOf(youtube.connections[0]!, 9).at(-1)! > from + 6_000, 20_000)
    const connection = youtube.connections[0]!
    const [times, keys] = [timesOf(connection, 9), keyTimesOf(connection)]
    expect(youtube.connections).toHaveLength(1)
    expect(gapsOf(times).shortest).toBeGreaterThanOrEqual(0)
    expect(gapsOf(times).longest).toBeLessThan(2_500)
    expect(gapsOf(keys.filter(time => time > from)).longest).toBeLessThanOrEqual(2_100)
    expect(gapsOf(timesOf(connection, 8)).longest).toBeLessThanOrEqual(50)
    const file = join(folder, 'anew.flv')
    writeFileSync(file, asFlv(connection))
    await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', file, '-f', 'null', '-'])
  })

  test('a WebRTC source is asked for key frames in time', async () => {
    const youtube = await sink()
    await gateway.close()
    gateway = await withYoutube(youtube)
    const publication = gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' })
    const source = startPackets(publication)
    const bridge = await restream('youtube:KEY')
    await until('seven seconds', () => timesOf(youtube.connections[0]!, 9).length > 210, 20_000)
    const keys = keyTimesOf(youtube.connections[0]!)
    expect(keys.length).toBeGreaterThan(2)
    expect(gapsOf(keys).longest).toBeLessThanOrEqual(2100)
    expect(gapsOf(keys.slice(1)).shortest).toBeGreaterThan(1000)
    const check = leg(bridge).preflight.find(({ check }) => check === 'keyframes')!
    expect(check).toMatchObject({ ok: true, repair: 'the source is asked for them' })
    source.stop()
    await publication.close()
  })

  test('the backup address takes over while the first is away', async () => {
    const [backup, port] = [await sink(), await freePort()]
    await gateway.close()
    gateway = await start({
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
    await publish()
    const bridge = await restream('youtube:KEY')
    await inState(bridge, 'live')
    await until('it takes', () => backup.connections[0]!.tags.length > 30)
    expect(backup.connections[0]!.key).toBe('KEY')
    expect(leg(bridge).retries).toBe(1)
  })
})
