import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { parse } from 'yaml'
import { publishTestSource, untilLive } from '../helpers/crosspoint.ts'
import { startProgram, stopPrograms, until } from '../helpers/program.ts'
import { type Family, readPrometheusText } from '../helpers/prometheus-text.ts'
import { doorsEnv, freeDoors, startRecipe } from '../helpers/recipe.ts'

afterAll(stopPrograms)

const folder = join(import.meta.dirname, '../../recipes/prometheus-and-alerts')
const read = (name: string) => parse(readFileSync(join(folder, name), 'utf8'))

interface Rule {
  readonly alert: string
  readonly expr: string
  readonly for?: string
  readonly labels: { readonly severity: string }
  readonly annotations: { readonly summary: string }
}
interface Selector {
  readonly metric: string
  readonly matchers: readonly (readonly [label: string, values: readonly string[]])[]
}

const selectors = (expr: string): readonly Selector[] =>
  [...expr.matchAll(/(crosspoint_\w+)(?:\{([^}]*)\})?/g)].map(([, metric, matchers = '']) => ({
    metric: metric!,
    matchers: [...matchers.matchAll(/(\w+)=~?"([^"]*)"/g)].map(([, label, values]) => [
      label!,
      values!.split('|'),
    ]),
  }))

const familyOf = (families: ReadonlyMap<string, Family>, metric: string): Family | undefined =>
  families.get(metric) ?? families.get(metric.replace(/_(bucket|sum|count)$/, ''))

test('prometheus-and-alerts', async () => {
  const doors = await freeDoors()
  const recipe = startRecipe('prometheus-and-alerts', [], doorsEnv(doors))
  await until(
    () => `it listens: ${recipe.output()}`,
    () => recipe.output().includes('{"doors":'),
  )
  const { http, rtmp } = doors
  publishTestSource({ url: `rtmp://${rtmp}/live/cam` })
  await untilLive(`http://${http}`, 'live/cam')
  startProgram('ffmpeg', ['-v', 'error', '-i', `rtmp://${rtmp}/live/cam`, '-c', 'copy', '-f', 'null', '-'])

  const scrape = async (): Promise<ReadonlyMap<string, Family>> => {
    const response = await fetch(`http://${http}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    return readPrometheusText(await response.text())
  }
  const valueIn = (families: ReadonlyMap<string, Family>, metric: string, labels: object = {}): number =>
    familyOf(families, metric)?.samples.find(
      sample =>
        sample.name === metric &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    )?.value ?? 0

  // A live stream with a reader shows in the numbers.
  let families = await scrape()
  await until('rates and latencies', async () => {
    families = await scrape()
    const rate = valueIn(families, 'crosspoint_stream_frames_per_second', {
      stream: 'live/cam',
      track: 'video',
    })
    return rate > 25 && rate < 35 && valueIn(families, 'crosspoint_latency_seconds_count') > 5
  })
  expect(valueIn(families, 'crosspoint_readers', { protocol: 'rtmp' })).toBe(1)
  expect(
    valueIn(families, 'crosspoint_stream_keyframe_interval_seconds', { stream: 'live/cam' }),
  ).toBeCloseTo(1, 0)
  expect(valueIn(families, 'crosspoint_sent_bytes_total', { protocol: 'rtmp' })).toBeGreaterThan(10_000)
  expect(valueIn(families, 'crosspoint_av_skew_seconds_count', { hop: 'in' })).toBeGreaterThan(0)

  // What the rules speak of exists.
  const { groups } = read('alerts.yml') as { groups: readonly { rules: readonly Rule[] }[] }
  const rules = groups.flatMap(group => group.rules)
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
  expect(rules.length).toBeGreaterThan(10)
  for (const { alert, expr, labels, annotations } of rules) {
    expect(['page', 'ticket'], alert).toContain(labels.severity)
    expect(annotations.summary, alert).not.toBe('')
    const used = selectors(expr)
    if (!expr.startsWith('up{')) expect(used.length, alert).toBeGreaterThan(0)
    for (const { metric, matchers } of used) {
      const family = familyOf(families, metric)
      expect(family, `${alert}: ${metric}`).toBeDefined()
      if (/rate\(|increase\(/.test(expr)) expect(['counter', 'histogram'], metric).toContain(family!.type)
      for (const [label, values] of matchers)
        for (const value of values) {
          const known = family!.samples.map(sample => sample.labels[label])
          // Refusals have labels only once somebody was refused.
          if (known.length > 0) expect(known, `${alert}: ${metric}{${label}}`).toContain(value)
        }
    }
  }

  const { scrape_configs: jobs, rule_files: files } = read('prometheus.yml')
  expect(files).toEqual(['alerts.yml'])
  expect(jobs).toMatchObject([{ job_name: 'crosspoint', metrics_path: '/metrics' }])
})
