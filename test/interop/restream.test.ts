/** A live stream to several destinations: real nginx-rtmp, and servers that misbehave as scripted. */
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { bridgeRows, describeBridge } from '../../src/cli/bridges.ts'
import type { ConfigInput } from '../../src/config/config.ts'
import { bridgeView } from '../../src/http/views.ts'
import { publishTestSource } from '../helpers/crosspoint.ts'
import { type NginxRtmp, startNginxRtmp } from '../helpers/nginx-rtmp.ts'
import { freePort, runProgram, stopPrograms, until } from '../helpers/program.ts'
import {
  expectUnbroken,
  inState,
  legOf,
  RestreamBench,
  startQuickGateway,
} from '../helpers/restream-bench.ts'
import { startFrames } from '../helpers/restream-source.ts'
import { gapsOf, keyTimesOf, timesOf } from '../helpers/scripted-sink.ts'

let nginx: NginxRtmp
const bench = new RestreamBench()
beforeAll(async () => {
  nginx = await startNginxRtmp()
})
afterAll(async () => {
  await nginx.stop()
  await stopPrograms()
  bench.remove()
})
beforeEach(() => bench.start())
afterEach(() => bench.stop())

describe('a destination that misbehaves', () => {
  test('resets: it is tried again by the table, and its neighbour misses no picture', async () => {
    await bench.publish()
    const [bad, good] = [await bench.sink(() => 'reset'), await bench.sink()]
    const bridge = await bench.restream(bad.url('KEY'), good.url('KEY'))
    await until('six tries', () => bad.connections.length >= 6, 20_000)
    const waits = bad.connections
      .slice(1, 6)
      .map((connection, i) => connection.at - (bad.connections[i]!.closedAt ?? 0))
    const table = [100, 200, 400, 800, 1600]
    for (const [i, wait] of waits.entries()) expect(wait).toBeGreaterThan(table[i]! * 0.9 - 5)
    expect(legOf(bridge)).toMatchObject({ error: { code: 'connection-lost' } })
    expect(legOf(bridge).retries).toBeGreaterThanOrEqual(5)
    expect(legOf(bridge, 1)).toMatchObject({ state: 'live', retries: 0 })
    expectUnbroken(good)
  })

  test('stops reading: it is not called live for longer than the limit, and is connected anew', async () => {
    await bench.publish()
    const [bad, good] = [await bench.sink(n => (n === 0 ? 'stop-reading' : 'take')), await bench.sink()]
    const bridge = await bench.restream(bad.url('KEY'), good.url('KEY'))
    await until('it reads no more', () => bad.connections[0]!.socket.isPaused())
    const unacknowledged = (): number[] =>
      bench.gateway.registry.find('live/cam')!.subscribers.map(({ link }) => link?.unacknowledgedBytes ?? 0)
    await until('what it has not acknowledged is told', () => Math.max(...unacknowledged()) > 100_000)
    await until('it is found out', () => legOf(bridge).state !== 'live')
    expect(legOf(bridge).error).toMatchObject({ code: 'timeout' })
    expect(legOf(bridge).error!.message).toMatch(/acknowledged|no byte went out/)
    await inState(bridge, 'live')
    await until('it is taken again', () => (bad.connections[1]?.tags.length ?? 0) > 60)
    expect(keyTimesOf(bad.connections[1]!)[0]).toBe(timesOf(bad.connections[1]!, 9)[0])
    expectUnbroken(good)
  })

  test('a refusal is final, said, and not tried again', async () => {
    await bench.publish()
    const [bad, good] = [await bench.sink(() => 'bad-name'), await bench.sink()]
    const bridge = await bench.restream(bad.url('SECRETKEY'), good.url('KEY'))
    await inState(bridge, 'failed')
    expect(legOf(bridge).error!.message).toMatch(/BadName/)
    expect(legOf(bridge)).toMatchObject({ retries: 0, nextRetryAt: undefined })
    expect(JSON.stringify(bridge.info())).not.toContain('SECRETKEY')
    await until('two seconds later', () => timesOf(good.connections[0]!, 9).length > 60)
    expect(bad.connections).toHaveLength(1)
    expect(legOf(bridge, 1).state).toBe('live')
    expectUnbroken(good)
  })

  test('hangs up twice right behind its permission, as one that restarts: it is live with the third', async () => {
    await bench.publish()
    const bad = await bench.sink(n => (n < 2 ? 'hang-up' : 'take'))
    const bridge = await bench.restream(bad.url('KEY'))
    await inState(bridge, 'live')
    expect(bad.connections).toHaveLength(3)
    expect(legOf(bridge).error).toMatchObject({ code: 'hung-up' })
    expect(legOf(bridge).error!.message).toMatch(/2 of 3 times in a row until that is a refusal$/)
    const view = bridgeView(bridge.info())
    expect(Date.parse(view.legs[0]!.lastErrorAt!)).toBeGreaterThan(Date.now() - 20_000)
    expect(bridgeRows(view)[0]!.at(-1)).toMatch(/^before, \d+ s ago: The remote end hung up soon: /)
    expect(describeBridge(view)).toMatch(/\n {4}before, \d+ s ago: The remote end hung up soon: /)
  })

  test('only ever hangs up: called a refusal after as many as are allowed, with the number', async () => {
    await bench.publish()
    const [bad, good] = [await bench.sink(() => 'hang-up'), await bench.sink()]
    const bridge = await bench.restream(bad.url('KEY'), good.url('KEY'))
    await inState(bridge, 'failed')
    expect(legOf(bridge).error!.message).toMatch(
      /during publishing within 300 ms, 3 of 3 times in a row: that is a refusal$/,
    )
    expect(bad.connections).toHaveLength(3)
    expect(legOf(bridge, 1).state).toBe('live')
  })

  test('what was allowed before and is refused now is asked for again, later', async () => {
    await bench.publish()
    const bad = await bench.sink(n => (n === 1 ? 'bad-name' : 'take'))
    const bridge = await bench.restream(bad.url('KEY'))
    await until('it is live for a while', () => timesOf(bad.connections[0]!, 9).length > 30)
    bad.connections[0]!.socket.resetAndDestroy()
    await until('it is refused', () => legOf(bridge).error?.code === 'refused')
    expect(legOf(bridge).state).toBe('backoff')
    await inState(bridge, 'live')
    expect(bad.connections).toHaveLength(3)
    expect(bad.connections[2]!.at - bad.connections[1]!.at).toBeGreaterThan(2_000)
  })

  test('only destinations that refuse: opening the bridge fails with what the first said', async () => {
    await bench.publish()
    const bad = await bench.sink(() => 'bad-name')
    await expect(bench.restream(bad.url('A'), bad.url('B'))).rejects.toMatchObject({ code: 'refused' })
    expect(bench.gateway.bridges.list()).toEqual([])
  })
})

describe('nginx-rtmp', () => {
  test('restarted under a live restream: it goes on, its neighbour without a hole', async () => {
    await bench.publish()
    const port = await freePort()
    let server = await startNginxRtmp(port)
    const good = await bench.sink()
    const bridge = await bench.restream(server.url('cam'), good.url('KEY'))
    await inState(bridge, 'live')
    await server.stop()
    await until('it is missed', () => legOf(bridge).state === 'backoff')
    server = await startNginxRtmp(port)
    await inState(bridge, 'live')
    const out = join(bench.folder, 'after.flv')
    await runProgram('ffmpeg', ['-v', 'error', '-y', '-i', server.url('cam'), '-t', '2', '-c', 'copy', out])
    await runProgram('ffmpeg', ['-v', 'error', '-xerror', '-i', out, '-f', 'null', '-'])
    expect(legOf(bridge).retries).toBeGreaterThan(0)
    expectUnbroken(good)
    await server.stop()
  })

  test('says Publish.Start and hangs up, each time: that is a refusal', async () => {
    await bench.publish()
    const bridge = await bench.restream(nginx.url('SECRETKEY', 'closed'))
    await inState(bridge, 'failed')
    expect(legOf(bridge)).toMatchObject({ retries: 2, error: { code: 'refused' } })
    expect(JSON.stringify(bridge.info()) + legOf(bridge).error!.message).not.toContain('SECRETKEY')
  })
})

describe('a source that goes and comes', () => {
  test('its destinations wait, and go on with a key frame, headers first, on one rising line', async () => {
    const good = await bench.sink()
    const bridge = await bench.restream(good.url('KEY'))
    expect(legOf(bridge)).toMatchObject({ state: 'backoff', nextRetryAt: undefined })
    expect(legOf(bridge).error!.message).toContain('waiting for live/cam')
    const first = await bench.publish()
    await inState(bridge, 'live')
    await until('a second', () => timesOf(good.connections[0]!, 9).length > 30)
    await first.stop()
    await inState(bridge, 'backoff')
    await bench.publish()
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
    expect(legOf(bridge).retries).toBe(0)
  })

  test('while a lost publisher may come back, a live destination says that it gets nothing, and for how long', async () => {
    const good = await bench.sink()
    const publish = () => {
      const { registry } = bench.gateway
      return registry.publish('live/cam', { label: 'test', onConflict: 'as-allowed', credential: 'key' })
    }
    const lost = publish()
    const source = startFrames(lost)
    const bridge = await bench.restream(good.url('KEY'))
    await until('it gets pictures', () => timesOf(good.connections[0]!, 9).length > 5)
    expect(bridgeView(bridge.info())).toMatchObject({ waiting: undefined, legs: [{ waiting: null }] })
    source.stop()
    await lost.close({ code: 'source-lost', detail: 'connection reset' })
    await until('it waits', () => bridge.info().waiting !== undefined)
    const waiting = { reason: expect.stringContaining('connection reset'), leftMs: expect.any(Number) }
    const view = bridgeView(bridge.info())
    expect(view).toMatchObject({ state: 'live', waiting, legs: [{ state: 'live', waiting }] })
    expect(view.waiting!.leftMs).toBeGreaterThan(1_000)
    expect(describeBridge(view)).toMatch(
      /: live · waits up to \d+ s for the publisher \(.*connection reset\)/,
    )
    expect(bridgeRows(view)[0]![3]).toMatch(/^live, waits \d+ s$/)
    const back = startFrames(publish())
    await until('it is back', () => legOf(bridge).waiting === undefined)
    expect(good.connections).toHaveLength(1)
    back.stop()
  })

  test('a bridge of the configuration pulls a server that is not there yet, and again when it was away', async () => {
    const port = await freePort()
    const good = await bench.sink()
    const other = await startQuickGateway({
      bridges: [{ from: `rtmp://127.0.0.1:${port}/live/cam`, to: ['stream:live/pulled', good.url('KEY')] }],
    } as ConfigInput)
    try {
      const id = other.bridges.list()[0]!.id
      const info = () => other.bridges.find(id)!
      await until('it is tried', () => info().source!.state === 'backoff')
      let server = await startNginxRtmp(port)
      bench.own(publishTestSource({ url: server.url('cam') }))
      const tags = (): number => good.connections.reduce((sum, { tags }) => sum + tags.length, 0)
      await until('it comes through', () => tags() > 60, 20_000)
      await server.stop()
      await until('it is missed', () => info().source!.state === 'backoff')
      server = await startNginxRtmp(port)
      bench.own(publishTestSource({ url: server.url('cam') }))
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
