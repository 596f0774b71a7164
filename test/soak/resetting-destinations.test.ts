/** Twenty destinations that reset again and again beside two that do not: these miss nothing, those heal, all is given back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createGateway, type Gateway } from '../../src/gateway.ts'
import { until } from '../helpers/program.ts'
import { activeResources, childrenOf, openDescriptors } from '../helpers/resources.ts'
import { type FrameSource, startFrames } from '../helpers/restream-source.ts'
import { gapsOf, type ScriptedSink, startScriptedSink, timesOf } from '../helpers/scripted-sink.ts'
import { strictLog } from '../helpers/strict-log.ts'

const bad = 20
const resets = 200

let gateway: Gateway
let source: FrameSource
let resetting: ScriptedSink
const good: ScriptedSink[] = []
const faults: string[] = []

beforeAll(async () => {
  const anywhere = { listen: '127.0.0.1:0' }
  const retry = { firstMs: 20, maxMs: 200, dwellMs: 1_000, settleMs: 50 }
  const config = { http: anywhere, rtmp: anywhere, webrtc: anywhere, transcode: { enabled: false } }
  gateway = await createGateway({ ...config, restream: { retry } }, { log: strictLog(faults) })
  resetting = await startScriptedSink(n => (n < resets ? 'reset' : 'take'))
  good.push(await startScriptedSink(() => 'take'), await startScriptedSink(() => 'take'))
  source = startFrames(gateway.registry.publish('live/cam', { label: 'test', onConflict: 'reject' }))
})
afterAll(async () => {
  source.stop()
  await gateway.close()
  for (const sink of [resetting, ...good]) await sink.close()
})

const held = () => ({ ...activeResources(), descriptors: openDescriptors() })

test(`${resets} resets`, async () => {
  const before = held()
  const urls = Array.from({ length: bad }, (_, i) => resetting.url(`bad-${i}`))
  const to = [...urls, ...good.map((sink, i) => sink.url(`good-${i}`))]
  const bridge = gateway.bridges.start({ from: 'stream:live/cam', to, resolveFile: name => name })
  const legs = () => bridge.info().legs
  await until(
    () => `all are live: ${legs().map(({ state }) => state)}`,
    () => resetting.connections.length > resets && legs().every(({ state }) => state === 'live'),
    60_000,
  )
  const pictures = timesOf(good[0]!.connections[0]!, 9).length
  await until('a second more', () => timesOf(good[0]!.connections[0]!, 9).length > pictures + 30)

  for (const { retries, error } of legs().slice(bad)) expect([retries, error]).toEqual([0, undefined])
  for (const { connections } of good) {
    expect(connections).toHaveLength(1)
    const { longest, shortest } = gapsOf(timesOf(connections[0]!, 9))
    expect([longest, shortest]).toEqual([34, 33])
  }
  await bridge.close()
  await until(
    () => `all is given back: before ${JSON.stringify(before)}, now ${JSON.stringify(held())}`,
    () => Object.entries(held()).every(([kind, n]) => n <= (before[kind as keyof typeof before] ?? 0)),
  )
  expect(childrenOf()).toEqual([])
  expect(faults).toEqual([])
})
