/** When a changed key takes effect. A test asserts that every key of every schema has its class. */
import type { Adapter, ReloadClass } from '../adapters/adapter.ts'

export type ReloadClasses = Readonly<Record<string, ReloadClass>>

/** A key stands for all keys within it. */
const shared: Readonly<Record<string, ReloadClass | ReloadClasses>> = {
  http: { listen: 'restart', tls: 'restart', hosts: 'live', origins: 'live' },
  access: { publish: 'live', play: 'live', api: 'live', jwt: 'live', hook: 'live' },
  outbound: 'live',
  restream: 'next-session',
  bridges: 'live',
  streams: 'live',
  sources: 'live',
  recordings: {
    directory: 'next-session',
    maxBytes: 'live',
    maxAgeDays: 'live',
    minFreeBytes: 'live',
    auto: 'live',
    name: 'next-session',
    jobs: 'live',
  },
  transcode: {
    enabled: 'next-session',
    ffmpeg: 'next-session',
    cores: 'next-session',
    policy: 'next-session',
    bFrames: 'next-session',
    lockResolution: 'next-session',
    rules: 'next-session',
  },
  webhooks: 'live',
  metrics: 'live',
  log: { level: 'live', format: 'restart' },
}

const flatten = (section: string, classes: ReloadClass | ReloadClasses): readonly [string, ReloadClass][] =>
  typeof classes === 'string'
    ? [[section, classes]]
    : Object.entries(classes).map(([key, name]) => [`${section}.${key}`, name])

/** Dotted keys of all sections, those of the adapters included. */
export const reloadClasses = (adapters: readonly Adapter<unknown>[]): ReadonlyMap<string, ReloadClass> =>
  new Map([
    ...Object.entries(shared).flatMap(([section, classes]) => flatten(section, classes)),
    ...adapters.flatMap(({ name, reload = {} }) => flatten(name, reload)),
  ])

/** The entry of the table that stands for a dotted key: itself, or the nearest above it. */
export const classifiedKey = (
  classes: ReadonlyMap<string, ReloadClass>,
  path: readonly string[],
): string | undefined => {
  for (let depth = path.length; depth > 0; depth -= 1) {
    const key = path.slice(0, depth).join('.')
    if (classes.has(key)) return key
  }
  return undefined
}
