/** One life of one ffmpeg: source packets in, encoded packets with the source's times out. */
import type { Clock } from '../core/types.ts'
import { createNutReader } from '../media/nut/reader.ts'
import type { NutStream } from '../media/nut/types.ts'
import { nutFrame, nutHeader } from '../media/nut/writer.ts'
import type { CodecParameters } from '../media/types.ts'
import { startChild } from './child.ts'
import { InFlight } from './in-flight.ts'
import type { Recipe } from './recipe.ts'

/** Time of the first packet inside ffmpeg: encoders place their priming before it, and NUT knows no negative time. */
const BASE_S = 2
/** Media that may wait for ffmpeg: more than this, for longer than this, and packets are left out. */
const MAX_WAITING_S = 1
const MAX_WAIT_US = 1_000_000
/** Until the first packet is out; starting takes 60 to 90 ms on an idle machine. */
const MAX_START_US = 4_000_000
const STALLED_US = 5_000_000
/** The source was silent this long: what the encoder still held from before is too late for anybody. */
const PAUSE_US = 1_000_000

export interface RunOptions {
  /** Path of ffmpeg. */
  readonly ffmpeg: string
  readonly clock: Clock
}
export interface EncodedPacket {
  readonly run: Run
  /** Ticks of the target. */
  readonly pts: number
  readonly key: boolean
  readonly data: Uint8Array
  /** Since the source packet with its last sample was written, microseconds. */
  readonly waitedUs: number
}

export interface RunEvents {
  onPacket(packet: EncodedPacket): void
  /** Not handed on, or not taken. */
  onDrop(cause: string): void
  onExit(run: Run, why: string): void
}
export interface Run {
  readonly recipe: Recipe
  readonly pid: number | undefined
  readonly startedUs: number
  readonly stderr: readonly string[]
  /** What it makes; undefined until it said so. */
  readonly params: CodecParameters | undefined
  readonly packetsOut: number
  /** Source packets that have not come back. */
  readonly waiting: number
  /** `at` and `duration` in ticks of the source's time base. false: it was not taken, and the reason counted. */
  write(at: number, duration: number, data: Uint8Array): boolean
  /** Lets it finish what it has; resolves when it is gone, with how it went. */
  stop(): Promise<string>
}

const secondsPerTick = ({ timeBase }: NutStream): number => timeBase.numerator / timeBase.denominator

export const startRun = (recipe: Recipe, options: RunOptions, events: RunEvents): Run => {
  const { clock } = options
  const { source, packetTicks } = recipe
  const tickRate = 1 / secondsPerTick(source)
  const startedUs = clock.now()
  const inFlight = new InFlight()
  let params: CodecParameters | undefined
  let outTickSeconds = 1 / tickRate
  let packetsOut = 0
  let origin: number | undefined
  let lastEnd = Number.NEGATIVE_INFINITY
  let lastOfferUs = startedUs
  let staleBefore = Number.NEGATIVE_INFINITY

  const begin = (stream: NutStream): void => {
    outTickSeconds = secondsPerTick(stream)
    try {
      params = recipe.paramsOf(stream)
    } catch (error) {
      child.kill(`says that it makes what cannot be read: ${error instanceof Error ? error.message : error}`)
    }
  }

  const takePacket = (nutPts: number, key: boolean, data: Uint8Array): void => {
    const now = clock.now()
    const at = (origin ?? 0) + (nutPts * outTickSeconds - BASE_S) * tickRate
    const written = inFlight.take(at + packetTicks)
    const waitedUs = written === undefined ? 0 : now - written
    packetsOut += 1
    if (at < staleBefore) events.onDrop('stale')
    else events.onPacket({ run, pts: recipe.ptsOf(at), key, data, waitedUs })
  }

  const reader = createNutReader({
    onStream: (_id, stream) => begin(stream),
    onFrame: (_id, pts, key, data) => takePacket(pts, key, data),
    onDamage: cause => child.kill(`wrote something else than NUT (${cause})`),
  })
  const child = startChild(options.ffmpeg, recipe.arguments, clock, {
    onData: bytes => reader.push(bytes),
    onExit: why => events.onExit(run, why),
  })

  /** Why a packet cannot be taken now; undefined when it can. */
  const refusal = (now: number): string | undefined => {
    if (inFlight.full || child.queuedBytes > recipe.maxQueuedBytes) return 'overflow'
    const waitedUs = now - (inFlight.oldestUs ?? now)
    if (inFlight.ticks <= MAX_WAITING_S * tickRate || waitedUs <= MAX_WAIT_US) return undefined
    if (waitedUs > STALLED_US)
      child.kill(`made nothing of what it was given ${Math.round(waitedUs / 1000)} ms ago`)
    return packetsOut > 0 || waitedUs > MAX_START_US ? 'slow' : undefined
  }

  /** Late pictures are needed by those that follow, late sound by nobody. */
  const notePause = (now: number): void => {
    if (recipe.kind === 'audio' && now - lastOfferUs > PAUSE_US) staleBefore = lastEnd
    lastOfferUs = now
  }

  const run: Run = {
    recipe,
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
      if (refused !== undefined) {
        events.onDrop(refused)
        return false
      }
      origin ??= recipe.originOf(at)
      lastEnd = packetTicks === 0 ? at : at + duration
      inFlight.add(lastEnd, duration, now)
      child.write(nutFrame(Math.round(at - origin + BASE_S * tickRate), data))
      return true
    },
    stop: () => child.stop(),
  }
  child.write(nutHeader(source))
  return run
}
