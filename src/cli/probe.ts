/** `crosspoint probe URL`: what a source sends, seen by the gateway's own eyes. */
import { resolve } from 'node:path'
import type { Bridge } from '../bridges/bridge.ts'
import { systemClock } from '../core/clock.ts'
import type { StreamInfo, TrackInfo } from '../core/types.ts'
import { GatewayError } from '../errors.ts'
import { createGateway, type Gateway } from '../gateway.ts'
import type { TrackView } from '../http/schemas/stream.ts'
import { streamView } from '../http/views.ts'
import { type Define, examples } from './command.ts'
import { EXIT } from './exit-codes.ts'
import { givenText } from './given-text.ts'
import { print, printJson } from './print.ts'
import { parseSeconds } from './seconds.ts'
import { untilStopped } from './signals.ts'
import { bitRate, facts, trackParameters } from './words.ts'

interface ProbeFlags {
  readonly duration: number
  readonly json?: boolean
}
/** Of one track over one second. */
interface Sample {
  readonly bitsPerSecond: number
  readonly framesPerSecond: number
}
interface Measured extends TrackView, Sample {
  readonly keyframeIntervalMs: number | undefined
}

const name = 'probe'
const periodMs = 1000

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

/** Servers begin with what they kept since the last key frame, all at once: the first second is no measure. */
const steady = <T>(samples: readonly T[]): readonly T[] => (samples.length > 1 ? samples.slice(1) : samples)

class Measures {
  /** The newest look at the stream. */
  last: StreamInfo | undefined
  readonly #samples = new Map<string, Sample[]>()

  look(stream: StreamInfo | undefined): void {
    this.last = stream ?? this.last
    for (const { id, stats } of stream?.tracks ?? [])
      if (stats !== undefined && stats.bitsPerSecond > 0)
        this.#samples.set(id, [...(this.#samples.get(id) ?? []), stats])
  }

  of(track: TrackView, { stats }: TrackInfo): Measured {
    const samples = steady(this.#samples.get(track.id) ?? [])
    return {
      ...track,
      bitsPerSecond: Math.round(mean(samples.map(({ bitsPerSecond }) => bitsPerSecond))),
      framesPerSecond: median(samples.map(({ framesPerSecond }) => framesPerSecond)),
      keyframeIntervalMs: track.kind === 'video' ? stats?.keyframeIntervalMs : undefined,
    }
  }
}

const pause = (ms: number): Promise<undefined> =>
  new Promise(done => void systemClock.after(ms * 1000, () => done(undefined)))

/** Until the time is up, the source ends, or somebody has seen enough. @returns seconds */
const watch = async (
  { registry }: Gateway,
  bridge: Bridge,
  measures: Measures,
  seconds: number,
): Promise<number> => {
  const beganMs = performance.now()
  const elapsedMs = (): number => performance.now() - beganMs
  const over = Promise.race([bridge.closed, untilStopped()])
  registry.on('stream:closed', stream => measures.look(stream))
  measures.look(registry.find(name))
  for (;;) {
    const leftMs = seconds * 1000 - elapsedMs()
    if (leftMs <= 0) break
    if ((await Promise.race([over, pause(Math.min(periodMs, leftMs))])) !== undefined) break
    measures.look(registry.find(name))
  }
  return elapsedMs() / 1000
}

const trackLine = (track: Measured, seconds: number): string => {
  const { id, kind, profile, keyframeIntervalMs: interval } = track
  const video = kind === 'video'
  return `  ${facts(
    `${id}: ${trackParameters(track)}`,
    profile,
    video && `${track.framesPerSecond.toFixed(1)} fps`,
    bitRate(track.bitsPerSecond),
    video && interval !== undefined && `key frame every ${(interval / 1000).toFixed(2)} s`,
    video && interval === undefined && `no two key frames within ${seconds.toFixed(1)} s`,
  )}`
}

const probe = async (text: string, { duration, json }: ProbeFlags): Promise<void> => {
  await using gateway = await createGateway({ log: { level: 'error' } }, { listen: false })
  const request = { from: givenText(text), to: [`stream:${name}`], retry: false }
  const bridge = await gateway.bridges.open({ ...request, resolveFile: file => resolve(file) })
  const measures = new Measures()
  const seconds = await watch(gateway, bridge, measures, duration)
  const { last } = measures
  if (last === undefined) throw new GatewayError('connection-lost', 'it ended before it had sent anything')
  const tracks = streamView(last, false).tracks.map((track, i) => measures.of(track, last.tracks[i]!))
  const from = bridge.info().from
  if (json) printJson({ from, seconds, tracks })
  else
    print(
      [from, ...tracks.map(track => trackLine(track, seconds)), `measured for ${seconds.toFixed(1)} s`].join(
        '\n',
      ),
    )
}

export const define: Define = (command, finish) => {
  command
    .argument('<url>', 'rtmp://, rtmps://, http(s)://….flv or an FLV file; also env:NAME, file:PATH or -')
    .option('--duration <time>', 'how long it is watched: 90, 15m', parseSeconds, 5)
    .option('--json', 'as JSON')
    .addHelpText('after', examples('probe rtmp://host/live/cam', 'probe clip.flv --duration 10 --json'))
    .action(async (url: string, flags: ProbeFlags) => {
      await probe(url, flags)
      finish(EXIT.ok)
    })
}
