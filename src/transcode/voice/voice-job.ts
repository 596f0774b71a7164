/** One shared transcode in process. */
import { createScope, describeReason, Scoped } from '../../core/scope.ts'
import type {
  Accept,
  Clock,
  CloseReason,
  RtpProfile,
  Track,
  TrackWriter,
  TranscodeJob,
} from '../../core/types.ts'
import { GatewayError, toGatewayError } from '../../errors.ts'
import type { CodecParameters, Frame } from '../../media/types.ts'
import { sameParams } from '../same-params.ts'
import type { TranscodeLog, TranscodeStats } from '../types.ts'
import { type Chain, createChain, madeParams } from './chain.ts'
import { LiveIntake } from './live-intake.ts'
import type { Opus } from './opus.ts'
import { ticksOf } from './ticks.ts'
import { VoiceOutput } from './voice-output.ts'

/** Any packets: they are read, not passed on. */
const ANY_PROFILE: RtpProfile = { maxPayload: 1188 }

/** So often it is said how much was lost, if it can be heard. */
const TELL_EVERY_US = 10_000_000
const AUDIBLE = 0.03

export interface VoiceJobOptions {
  readonly opus: Opus | undefined
  readonly clock: Clock
  readonly log: TranscodeLog
  /** One line for many jobs that all suffer: asked before each. */
  readonly mayTell: (nowUs: number) => boolean
}

export class VoiceJob extends Scoped implements TranscodeJob {
  readonly #from: Track
  readonly #to: Accept
  readonly #options: VoiceJobOptions
  readonly #output: VoiceOutput
  #params: CodecParameters
  #chain: Chain
  #live: LiveIntake | undefined
  #packetsIn = 0
  #damaged = 0
  #toldUs: number
  #toldMs = 0

  /** @throws GatewayError 'transcode-unavailable' when the pair is not made here */
  constructor(from: Track, to: Accept, out: TrackWriter<'frame'>, options: VoiceJobOptions) {
    super(createScope(`transcode ${from.id} to ${to.codec}`))
    this.#from = from
    this.#to = to
    this.#options = options
    this.#params = from.params
    this.#toldUs = options.clock.now()
    this.#output = new VoiceOutput(out, from.clock.rate, options.clock)
    this.#chain = this.#createChain(from.params)
    this.scope.defer(() => this.#end())
    this.scope.defer(from.native === 'rtp' ? this.#attachLive() : this.#attachFrames())
    this.scope.defer(from.onParams(params => this.#adopt(params)))
    options.log.info(this.#fields(), 'transcode started')
  }

  get stats(): TranscodeStats {
    const live = this.#live?.stats
    return {
      from: `${this.#params.codec} ${this.#params.clockRate} Hz`,
      to: this.#chain.target,
      pid: undefined,
      cores: 0,
      restarts: 0,
      packetsIn: this.#packetsIn,
      packetsOut: this.#output.packets,
      primed: 0,
      dropped: {
        ...(this.#damaged > 0 && { damaged: this.#damaged }),
        ...(live && live.late > 0 && { late: live.late }),
        ...(live && live.overflowed > 0 && { overflowed: live.overflowed }),
      },
      latencyMs: this.#live?.latencyMs ?? 0,
      lastFailure: undefined,
      ...(live && { concealedMs: live.concealedMs, silentMs: live.silentMs, jitterMs: live.unevennessMs }),
    }
  }

  #createChain(from: CodecParameters): Chain {
    const chain = createChain(from, this.#to, this.#options.opus, data => this.#output.write(data))
    if (chain === undefined)
      throw new GatewayError('transcode-unavailable', `${from.codec} to ${this.#to.codec}`)
    this.#output.adopt(madeParams(from, this.#to))
    return chain
  }

  #attachLive(): () => void {
    this.#live = this.#createLive()
    const detach = this.#from.packets(this.#from.rtp ?? ANY_PROFILE).attach({
      write: packet => {
        this.#packetsIn += 1
        this.#live!.take(packet)
        if (packet.arrival - this.#toldUs > TELL_EVERY_US) this.#tellLoss(packet.arrival)
      },
      failed: error => this.#fail(error),
    })
    return () => {
      detach()
      this.#live?.close()
    }
  }

  #createLive(): LiveIntake {
    return new LiveIntake({
      params: this.#params,
      chain: this.#chain,
      clock: this.#options.clock,
      place: (ts, ticks) => this.#place(ts, ticks),
      damaged: () => {
        this.#damaged += 1
      },
      failed: error => this.#fail(error),
    })
  }

  #tellLoss(nowUs: number): void {
    const { concealedMs, late, unevennessMs, delayMs } = this.#live!.stats
    const [madeUpMs, sinceMs] = [concealedMs - this.#toldMs, (nowUs - this.#toldUs) / 1000]
    this.#toldUs = nowUs
    this.#toldMs = concealedMs
    if (madeUpMs < AUDIBLE * sinceMs || !this.#options.mayTell(nowUs)) return
    const share = ((madeUpMs / sinceMs) * 100).toFixed(1)
    this.#options.log.warn(
      { ...this.#fields(), concealedMs, late, jitterMs: unevennessMs, delayMs },
      `${share} % of the sound did not come in time and was made up`,
    )
  }

  #attachFrames(): () => void {
    const write = (frame: Frame): void => this.#takeFrame(frame)
    return this.#from.frames().attach({ write, failed: error => this.#fail(error) })
  }

  #takeFrame(frame: Frame): void {
    this.#packetsIn += 1
    const data = frame.units[0]
    const ticks = data && ticksOf(this.#params, data)
    if (data === undefined || ticks === undefined) {
      this.#damaged += 1
      return
    }
    this.#place(frame.pts, ticks)
    if (!this.#chain.decode(data)) this.#damaged += 1
  }

  #place(ts: number, ticks: number): void {
    if (!this.#output.follow(ts, ticks)) this.#chain.cut()
  }

  #adopt(params: CodecParameters): void {
    const same = sameParams(params, this.#params)
    this.#params = params
    if (same) return
    try {
      this.#chain = this.#createChain(params)
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#live?.close()
    if (this.#live !== undefined) this.#live = this.#createLive()
  }

  #fail(thrown: unknown): void {
    const error = toGatewayError(thrown)
    void this.scope.close({ code: 'failed', detail: error.message, error })
  }

  #end(): void {
    const reason = describeReason(this.scope.signal.reason as CloseReason)
    this.#options.log.info({ ...this.#fields(), ...this.stats }, `transcode stopped: ${reason}`)
  }

  #fields(): object {
    return { track: this.#from.id, from: this.#params.codec, to: this.#chain.target, by: 'in process' }
  }
}
