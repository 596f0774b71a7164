import { describe, expect, test } from 'vitest'
import { adapters } from '../../../src/adapters/index.ts'
import { type ConfigInput, parseConfig } from '../../../src/config/config.ts'
import { explainConfig } from '../../../src/config/explain.ts'
import { leaves } from '../../../src/config/leaves.ts'
import { RunningConfig } from '../../../src/config/live-config.ts'
import { planChanges } from '../../../src/config/plan.ts'
import { knownKeys } from '../../../src/config/problems.ts'
import { classifiedKey, reloadClasses } from '../../../src/config/reload-classes.ts'
import { sections } from '../../../src/config/schema.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { GatewayError } from '../../../src/errors.ts'
import { type LogLine, recordingLogger } from '../../helpers/webrtc-gateway.ts'

const schemas = new Map<string, unknown>([
  ...Object.entries(sections),
  ...adapters.map(({ name, config }) => [name, config] as const),
])
/** Every path that the schemas name, whether it is set by default or not. */
const schemaPaths = (): string[][] => {
  const walk = (schema: unknown, section: string, path: readonly string[]): string[][] => {
    const keys = knownKeys(schema, path)
    return keys.length === 0
      ? [[section, ...path]]
      : keys.flatMap(key => walk(schema, section, [...path, key]))
  }
  return [...schemas].flatMap(([section, schema]) => walk(schema, section, []))
}
const exists = (key: string): boolean => {
  const [section = '', ...path] = key.split('.')
  return (
    schemas.has(section) &&
    path.every((name, i) => knownKeys(schemas.get(section), path.slice(0, i)).includes(name))
  )
}
const change = (from: ConfigInput, to: ConfigInput) =>
  planChanges(parseConfig(from, adapters), parseConfig(to, adapters), adapters).map(
    ({ unit: _, ...rest }) => rest,
  )

describe('the table of classes', () => {
  const classes = reloadClasses(adapters)
  test('every key of every schema has a class', () => {
    const paths = schemaPaths()
    expect(paths.length).toBeGreaterThan(60)
    expect(paths.filter(path => classifiedKey(classes, path) === undefined)).toEqual([])
  })
  test('every entry names a key, and none stands within another', () => {
    const keys = [...classes.keys()]
    expect(keys.filter(key => !exists(key))).toEqual([])
    expect(keys.filter(key => keys.some(other => key.startsWith(`${other}.`)))).toEqual([])
  })
})

describe('what would change', () => {
  test('each key with both values and its class; what stays is not there', () => {
    const from = {
      rtmp: { listen: '127.0.0.1:1935', publisherIdleMs: 5000 },
      log: { level: 'info' as const },
    }
    const to = { rtmp: { listen: '127.0.0.1:1936', publisherIdleMs: 5000 }, log: { level: 'debug' as const } }
    expect(change(from, to)).toEqual([
      { key: 'log.level', from: 'info', to: 'debug', class: 'live' },
      { key: 'rtmp.listen.port', from: 1935, to: 1936, class: 'restart' },
    ])
    expect(change(from, from)).toEqual([])
  })
  test('a door that is closed, a part that is left out', () => {
    const tls = { cert: 'a.pem', key: 'b.pem' }
    const to = { rtmp: { listen: null }, http: { tls } }
    expect(change({}, to).map(({ key, to }) => [key, to])).toEqual([
      ['rtmp.listen.host', null],
      ['rtmp.listen.port', null],
      ['http.tls.cert', 'a.pem'],
      ['http.tls.key', 'b.pem'],
    ])
  })
  test('another secret is a change that shows neither', () => {
    const rule = (key: string): ConfigInput => ({ access: { publish: [{ key }] } })
    const changes = change(rule('first-secret'), rule('second-secret'))
    expect(changes).toMatchObject([{ key: 'access.publish', class: 'live' }])
    expect(JSON.stringify(changes)).not.toMatch(/first|second/)
    expect(change(rule('first-secret'), rule('first-secret'))).toEqual([])
  })
  test('keys in URLs and of services are not shown', () => {
    const to: ConfigInput = {
      bridges: [
        { from: 'stream:a', to: ['youtube:abcd-efgh', 'rtmp://h/app/KEY1?t=KEY2#profile=twitch', 'a.flv'] },
      ],
      sources: { 'live/cam': 'rtmp://user:KEY3@h/app/KEY4' },
    }
    const text = JSON.stringify(change({}, to))
    expect(text).not.toMatch(/KEY|abcd/)
    expect(text).toContain('youtube:***')
    expect(text).toContain('rtmp://h/app/***?t=***#profile=twitch')
    expect(text).toContain('stream:a')
    expect(text).toContain('a.flv')
  })
})

test('where each key comes from', () => {
  const file: ConfigInput = { rtmp: { listen: ':1935', maxConnections: 5 }, log: { level: 'warn' } }
  const flags: ConfigInput = { log: { level: 'debug' }, webrtc: { listen: '127.0.0.1:9' } }
  const config = parseConfig({ ...file, ...flags }, adapters)
  const explained = new Map(explainConfig(config, { file, flags }, adapters).map(row => [row.key, row]))
  expect(explained.get('log.level')).toEqual({
    key: 'log.level',
    value: 'debug',
    origin: 'flag',
    class: 'live',
  })
  expect(explained.get('rtmp.listen.port')).toMatchObject({ value: 1935, origin: 'file', class: 'restart' })
  expect(explained.get('webrtc.listen.host')).toMatchObject({ value: '127.0.0.1', origin: 'flag' })
  expect(explained.get('rtmp.publisherIdleMs')).toMatchObject({ value: 30_000, origin: 'default' })
  expect(explained.get('http.tls')).toMatchObject({ value: null, origin: 'default' })
  expect(explained.size).toBe(leaves(config, adapters).length)
})

const running = (first: ConfigInput) => {
  const logged: LogLine[] = []
  let file: ConfigInput | GatewayError = first
  const live = new RunningConfig({
    config: parseConfig(first, adapters),
    layers: { file: first, flags: {} },
    adapters,
    read: async () => {
      if (file instanceof GatewayError) throw file
      return { file, flags: { log: { format: 'json' } } }
    },
    clock: systemClock,
    log: recordingLogger(logged),
  })
  const write = (next: ConfigInput | GatewayError): void => {
    file = next
  }
  return { live, write, logged }
}
const rtmpOf = (live: RunningConfig) => live.config.adapters.get('rtmp') as Record<string, unknown>

describe('reading it anew', () => {
  test('live and next-session keys change in the same objects, restart keys wait', async () => {
    const { live, write, logged } = running({})
    const { http, streams, sources, bridges } = live.config
    const rtmp = rtmpOf(live)
    write({
      http: { listen: '127.0.0.1:81', hosts: ['a.example'] },
      rtmp: { publisherIdleMs: 7000, listen: null },
      streams: { graceMs: 1 },
      sources: { a: 'a.flv' },
      bridges: [{ from: 'stream:a', to: ['b.flv'] }],
    })
    await live.reload()
    expect([http.hosts, http.listen.port, streams.graceMs]).toEqual([['a.example'], 8080, 1])
    expect(sources.a).toMatchObject({ url: 'a.flv', onDemand: true })
    expect(bridges).toHaveLength(1)
    expect(rtmp).toMatchObject({ publisherIdleMs: 7000, listen: { port: 1935 } })
    expect(rtmpOf(live)).toBe(rtmp)
    expect(live.config.http).toBe(http)
    expect(live.pending.map(({ key }) => key)).toEqual([
      'http.listen.port',
      'log.format',
      'rtmp.listen.host',
      'rtmp.listen.port',
    ])
    expect(logged.at(-1)?.message).toContain('next-session: rtmp.publisherIdleMs; restart: http.listen.port')
    write({})
    await live.reload()
    expect([http.hosts, streams.graceMs, sources, bridges]).toEqual([[], 10_000, {}, []])
    expect(live.pending.map(({ key }) => key)).toEqual(['log.format'])
  })

  test('who listens to a section is told once, and only of its own', async () => {
    const { live, write } = running({})
    const told: string[] = []
    live.on('recordings', () => void told.push(`recordings ${live.config.recordings.maxBytes}`))
    live.on('access', () => void told.push('access'))
    write({ recordings: { maxBytes: 5, maxAgeDays: 2 }, http: { listen: ':1' } })
    await live.reload()
    await live.reload()
    expect(told).toEqual(['recordings 5'])
  })

  test.each<[string, ConfigInput | GatewayError, RegExp]>([
    [
      'an unknown key',
      { http: { lisen: ':1' }, streams: { graceMs: 1 } } as ConfigInput,
      /did you mean listen/,
    ],
    ['a file that cannot be read', new GatewayError('bad-config', 'a.yaml: line 3'), /line 3/],
    ['what the gateway would not start with', { streams: { graceMs: 666 } }, /not that/],
  ])('%s: the old one is kept, the log and the state say why', async (_what, file, why) => {
    const { live, write, logged } = running({ streams: { graceMs: 5 } })
    live.checkBy(next => {
      if (next.streams.graceMs === 666) throw new GatewayError('bad-config', 'not that')
    })
    if (!(file instanceof Error)) await expect(live.plan(file)).rejects.toThrow(why)
    write(file)
    await expect(live.reload()).rejects.toThrow(why)
    expect(live.config.streams.graceMs).toBe(5)
    expect(live.lastReload?.error?.message).toMatch(why)
    expect(logged).toMatchObject([{ level: 'error', message: expect.stringMatching(why) }])
    write({ streams: { graceMs: 6 } })
    await live.reload()
    expect(live.config.streams.graceMs).toBe(6)
    expect(live.lastReload?.error).toBeUndefined()
  })

  test('a listener that fails stops neither the others nor the next reload', async () => {
    const { live, write, logged } = running({})
    const told: number[] = []
    live.on('streams', () => {
      throw new Error('broken')
    })
    live.on('streams', () => void told.push(live.config.streams.graceMs))
    for (const graceMs of [1, 2]) {
      write({ streams: { graceMs } })
      await live.reload()
    }
    expect(told).toEqual([1, 2])
    expect(logged.filter(({ level }) => level === 'error')).toHaveLength(2)
  })

  test('reloads at once follow each other', async () => {
    const { live, write } = running({})
    write({ streams: { graceMs: 1 } })
    const changes = await Promise.all([live.reload(), live.reload()])
    expect(changes.map(({ length }) => length)).toEqual([2, 1])
  })
})
