/** A source track, a derived track and a job between them, without a registry. */
import { systemClock } from '../../src/core/clock.ts'
import { FanFeed } from '../../src/core/feed.ts'
import { createGopCache } from '../../src/core/gop-cache.ts'
import { closable, createScope } from '../../src/core/scope.ts'
import { createTrackClock, scaledClock } from '../../src/core/track-clock.ts'
import type { Accept, Clock, Track, TrackWriter } from '../../src/core/types.ts'
import type { CodecParameters, Frame } from '../../src/media/types.ts'
import { createBudget } from '../../src/transcode/budget.ts'
import { Job } from '../../src/transcode/job.ts'
import { ManualClock } from './manual-clock.ts'

export interface LogEntry {
  readonly level: 'info' | 'warn'
  readonly message: string
  readonly fields: Record<string, unknown>
}
export interface Heard {
  readonly frame: Frame
  /** Microseconds of the clock. */
  readonly at: number
}
export interface Bench extends AsyncDisposable {
  readonly job: Job
  readonly heard: readonly Heard[]
  readonly frames: readonly Frame[]
  readonly params: readonly CodecParameters[]
  readonly log: readonly LogEntry[]
  /** How often the job asked the source for a key frame. */
  readonly keyframeRequests: number
  write(frame: Frame): void
  /** As fast as the encoder takes them: never more than half a second ahead of what came out. */
  feed(frames: readonly Frame[]): Promise<void>
  /** Resolves when `done` holds; it is looked at after each packet and log entry. */
  until(done: () => boolean, timeoutMs?: number): Promise<void>
}
export interface BenchOptions {
  readonly params: CodecParameters
  readonly to: Accept
  readonly ffmpeg?: string
  readonly clock?: Clock
  readonly bitratePerChannel?: number
  /** Came before the job began; the source cannot be asked for a key frame, so the feed has kept them. */
  readonly before?: readonly Frame[]
}

const AHEAD_S = 0.5

export const openBench = (options: BenchOptions): Bench => {
  const { params, to, clock = systemClock } = options
  const scope = createScope('bench')
  const feed = new FanFeed<'frame'>({ form: 'frame', cache: options.before && createGopCache<Frame>() })
  for (const frame of options.before ?? []) feed.push(frame)
  const trackClock = createTrackClock(params.clockRate, { originWall: undefined }, { offset: undefined })
  const track: Track = {
    ...closable(scope),
    id: params.kind,
    kind: params.kind,
    native: 'frame',
    params,
    keyframeOnRequest: false,
    clock: trackClock,
    frames: () => feed,
    packets: () => {
      throw new Error('not in this test')
    },
    requestKeyframe: () => {
      keyframeRequests += 1
    },
    onParams: () => () => {},
  }
  let keyframeRequests = 0
  const heard: Heard[] = []
  const seen: CodecParameters[] = []
  const log: LogEntry[] = []
  const waiters = new Set<() => void>()
  const wake = (): void => {
    for (const waiter of [...waiters]) waiter()
  }
  const until = (done: () => boolean, timeoutMs = 15_000): Promise<void> =>
    new Promise((resolve, reject) => {
      const finish = (end: () => void): void => {
        waiters.delete(look)
        clearTimeout(timer)
        end()
      }
      const look = (): void => {
        if (done()) finish(resolve)
      }
      const timer = setTimeout(
        () =>
          finish(() => reject(new Error(`waited ${timeoutMs} ms; log: ${JSON.stringify(log.slice(-3))}`))),
        timeoutMs,
      )
      waiters.add(look)
      look()
    })
  const entry = (level: LogEntry['level']) => (fields: object, message: string) => {
    log.push({ level, message, fields: { ...fields } })
    wake()
  }
  const out: TrackWriter<'frame'> = {
    write: frame => {
      heard.push({ frame, at: clock.now() })
      wake()
      return true
    },
    drained: () => Promise.resolve(),
    setParams: next => void seen.push(next),
    clock: scaledClock(trackClock, to.sampleRate ?? (params.kind === 'video' ? 90_000 : 48_000)),
    demand: 1,
  }
  const job = new Job(track, to, out, {
    ffmpeg: {
      path: options.ffmpeg ?? 'ffmpeg',
      version: '5.1',
      decoders: new Set(['libopus', 'h264', 'hevc', 'vp8', 'vp9', 'libdav1d']),
    },
    bitratePerChannel: options.bitratePerChannel ?? 64_000,
    reservation: createBudget(100).reserve(1),
    clock,
    log: { info: entry('info'), warn: entry('warn') },
  })
  void job.closed.then(wake)
  const heardSeconds = (): number => {
    const last = heard.at(-1)?.frame
    return last === undefined ? Number.NEGATIVE_INFINITY : (last.pts + last.duration) / last.params.clockRate
  }
  return {
    job,
    heard,
    params: seen,
    log,
    get keyframeRequests() {
      return keyframeRequests
    },
    get frames() {
      return heard.map(({ frame }) => frame)
    },
    write: frame => void feed.push(frame),
    until,
    async feed(frames) {
      let [start, last] = [0, Number.NEGATIVE_INFINITY]
      for (const frame of frames) {
        const at = frame.pts / params.clockRate
        if (Math.abs(at - last) > AHEAD_S) start = at
        last = at
        await until(() => at - Math.max(start, heardSeconds()) < AHEAD_S || job.signal.aborted)
        feed.push(frame)
      }
    },
    async [Symbol.asyncDispose]() {
      const closing = job.close({ code: 'shutdown' })
      // A clock that stands still would wait for ever for a child that does not leave.
      if (clock instanceof ManualClock) clock.advance(1_000_000)
      await closing
      await scope.close()
    },
  }
}
