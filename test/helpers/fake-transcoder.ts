/** A transcoder in memory: one packet out per packet in, times rescaled, its jobs counted and breakable. */
import { closable, createScope, reasonOf } from '../../src/core/scope.ts'
import type {
  Accept,
  CloseReason,
  Track,
  TrackWriter,
  TranscodeJob,
  Transcoder,
} from '../../src/core/types.ts'
import type { CodecParameters, Frame } from '../../src/media/types.ts'

export interface FakeJob {
  readonly from: Track
  readonly to: Accept
  readonly out: TrackWriter<'frame'>
  keyframeRequests: number
  /** It gives up. */
  end(reason: CloseReason): Promise<void>
  readonly closed: boolean
  /** Why it was closed. */
  readonly reason: CloseReason | undefined
}
export interface FakeTranscoder extends Transcoder {
  readonly jobs: FakeJob[]
}
export interface FakeTranscoderOptions {
  readonly cost?: (from: CodecParameters, to: Accept) => number | undefined
  readonly opens?: () => void | Promise<void>
  readonly keyframes?: boolean
}

const pcm: ReadonlySet<string> = new Set(['pcmu', 'pcma', 'g722', 'l16'])
/** As many bytes as so many ticks take: RTP senders cut PCM by its bytes. */
const pcmOf = ({ codec, channels = 1 }: Accept, ticks: number): Uint8Array =>
  new Uint8Array(ticks * channels * (codec === 'l16' ? 2 : 1))

export const fakeTranscoder = (options: FakeTranscoderOptions = {}): FakeTranscoder => {
  const jobs: FakeJob[] = []
  const sameKind = (from: CodecParameters, to: Accept) => (from.kind === to.kind ? 1 : undefined)
  return {
    name: 'fake',
    jobs,
    cost: options.cost ?? sameKind,
    open: async (from, to, out): Promise<TranscodeJob> => {
      await options.opens?.()
      const scope = createScope('fake job')
      const ratio = out.clock.rate / from.clock.rate
      const write = (frame: Frame): void => {
        const params = { ...frame.params, codec: to.codec, clockRate: out.clock.rate } as CodecParameters
        const [pts, dts] = [Math.round(frame.pts * ratio), Math.round(frame.dts * ratio)]
        const duration = Math.round((frame.pts + frame.duration) * ratio) - pts
        const units = pcm.has(to.codec) ? [pcmOf(to, duration)] : frame.units
        out.write({ ...frame, units, params, pts, dts, duration })
      }
      scope.defer(from.frames().attach({ write }))
      const job = {
        from,
        to,
        out,
        keyframeRequests: 0,
        end: (reason: CloseReason) => scope.close(reason),
        get closed() {
          return scope.signal.aborted
        },
        get reason() {
          return scope.signal.aborted ? reasonOf(scope.signal) : undefined
        },
      }
      jobs.push(job)
      const requestKeyframe = (): void => void job.keyframeRequests++
      return { ...closable(scope), ...(options.keyframes === true && { requestKeyframe }) }
    },
  }
}
