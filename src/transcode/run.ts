/** One life of one ffmpeg: source packets in, encoded packets with the source's times out. */
import type { Clock } from '../core/types.ts'
import { createNutReader } from '../media/nut/reader.ts'
import type { NutStream } from '../media/nut/types.ts'
import { nutFrame, nutHeader } from '../media/nut/writer.ts'
import type { CodecParameters } from '../media/types.ts'
import { ffmpegArguments } from './arguments.ts'
import { targetParams } from './audio/nut.ts'
import type { AudioTarget } from './audio/target.ts'
import { startChild } from './child.ts'
import { InFlight } from './in-flight.ts'

/** Time of the first packet inside ffmpeg: encoders place their priming before it, and NUT knows no negative time. */
const BASE_S = 2
/** Sound that may wait for ffmpeg: more than this, for longer than this, and packets are left out. */
const MAX_WAITING_S = 1
const MAX_WAIT_US = 1_000_000
/** Until the first packet is out; starting takes 60 to 90 ms on an idle machine. */
const MAX_START_US = 4_000_000
const STALLED_US = 5_000_000
const MAX_QUEUED_BYTES = 1 << 20
/** The source was silent this long: what the encoder still held from before is too late for anybody. */
const PAUSE_US = 1_000_000

export interface RunOptions {
  /** Path of ffmpeg. */
  readonly ffmpeg: string
  /** undefined: ffmpeg's choice. */
  readonly decoder: string | undefined
  readonly source: NutStream
  readonly target: AudioTarget
  readonly clock: Clock
}
export interface RunEvents {
  /** `pts` in ticks of the target. `waitedUs`: since the packet with its last sample was written. */
  onPacket(run: Run, pts: number, data: Uint8Array, waitedUs: number): void
  /** Not handed on, or not taken. */
  onDrop(cause: string): void
  onExit(why: string): void
}
export interface Run {
  readonly target: AudioTarget
  readonly pid: number | undefined
  readonly startedUs: number
  readonly stderr: readonly string[]
  /** What it makes; undefined until it said so. */
  readonly params: CodecParameters | undefined
  readonly packetsOut: number
  /** Source packets that have not come back. */
  readonly waiting: number
  /** `at` and `duration` in ticks of the source's time base; times never run back within a run. */
  write(at: number, duration: number, data: Uint8Array): void
  /** Lets it finish what it has; resolves when it is gone, with how it went. */
  stop(): Promise<string>
}

const secondsPerTick = ({ timeBase }: NutStream): number => timeBase.numerator / timeBase.denominator

export const startRun = (options: RunOptions, events: RunEvents): Run => {
  const { source, target, clock } = options
  const tickRate = 1 / secondsPerTick(source)
  const startedUs = clock.now()
  const inFlight = new InFlight()
  let params: CodecParameters | undefined
  let outTickSeconds = 1 / target.sampleRate
  let packetsOut = 0
  let origin: number | undefined
  let lastEnd = Number.NEGATIVE_INFINITY
  let lastOfferUs = startedUs
  let staleBefore = Number.NEGATIVE_INFINITY

  const begin = (stream: NutStream): void => {
    outTickSeconds = secondsPerTick(stream)
    params = targetParams(stream, target)
  }

  const takePacket = (nutPts: number, data: Uint8Array): void => {
    const now = clock.now()
    const seconds = nutPts * outTickSeconds - BASE_S
    const at = (origin ?? 0) + seconds * tickRate
    const written = inFlight.take(at + (target.packetSamples / target.sampleRate) * tickRate)
    packetsOut += 1
    const pts = Math.round((at / tickRate) * target.sampleRate)
    if (at < staleBefore) events.onDrop('stale')
    else events.onPacket(run, pts, data, written === undefined ? 0 : now - written)
  }

  const reader = createNutReader({
    onStream: (_id, stream) => begin(stream),
    onFrame: (_id, pts, _key, data) => takePacket(pts, data),
    onDamage: cause => child.kill(`wrote something else than NUT (${cause})`),
  })
  const child = startChild(options.ffmpeg, ffmpegArguments(target, options.decoder), clock, {
    onData: bytes => reader.push(bytes),
    onExit: why => events.onExit(why),
  })

  /** Why a packet cannot be taken now; undefined when it can. */
  const refusal = (now: number): string | undefined => {
    if (inFlight.full || child.queuedBytes > MAX_QUEUED_BYTES) return 'overflow'
    const waitedUs = now - (inFlight.oldestUs ?? now)
    if (inFlight.ticks <= MAX_WAITING_S * tickRate || waitedUs <= MAX_WAIT_US) return undefined
    if (waitedUs > STALLED_US)
      child.kill(`made nothing of what it was given ${Math.round(waitedUs / 1000)} ms ago`)
    return packetsOut > 0 || waitedUs > MAX_START_US ? 'slow' : undefined
  }

  const notePause = (now: number): void => {
    if (now - lastOfferUs > PAUSE_US) staleBefore = lastEnd
    lastOfferUs = now
  }

  const run: Run = {
    target,
    pid: child.pid,
    startedUs,
    get stderr() {
      return child.stderr
    },
    get params() {
      return params
    },
    get packetsOut() {
      return packetsOut
    },
    get waiting() {
      return inFlight.count
    },
    write(at, duration, data) {
      const now = clock.now()
      notePause(now)
      const refused = refusal(now)
      if (refused !== undefined) return events.onDrop(refused)
      origin ??= at
      lastEnd = at + duration
      inFlight.add(lastEnd, duration, now)
      child.write(nutFrame(Math.round(at - origin + BASE_S * tickRate), data))
    },
    stop: () => child.stop(),
  }
  child.write(nutHeader(source))
  return run
}
