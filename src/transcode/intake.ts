import type { Accept, Track } from '../core/types.ts'
import type { Frame } from '../media/types.ts'
import type { Ffmpeg } from './ffmpeg.ts'
import type { Recipe } from './recipe.ts'
import type { Run } from './run.ts'
import type { OutputTimeline } from './types.ts'

/** The near end of a job: what is done with the frames of one kind until ffmpeg has them. */
export interface Intake {
  /** "aac 44100 Hz 2 ch" */
  readonly source: string
  /** "opus 48000 Hz 2 ch 128 kbit/s" */
  readonly target: string
  readonly timeline: OutputTimeline
  /** Before the first frame. @throws GatewayError 'transcode-unavailable' when ffmpeg cannot be told of the source */
  start(): void
  take(frame: Frame): void
  /** The encoder can be asked for a key frame. */
  requestKeyframe?(): void
}
/** What an intake may do to its job. */
export interface IntakeHost {
  /** undefined: none yet, or it waits to be restarted. */
  readonly run: Run | undefined
  /** From now on this; what the run before still holds comes out first. `why` is for the log. */
  begin(recipe: Recipe, why: string): void
  /** The source's clock was set anew: the times of the next run start over. */
  startOver(): void
  /** A frame was left out. */
  drop(cause: string): void
  /** What the job now needs of the processor. */
  needs(cores: number): void
}
export interface IntakeOptions {
  readonly ffmpeg: Pick<Ffmpeg, 'path' | 'version' | 'decoders'>
  readonly bitratePerChannel: number
}
/** @throws GatewayError 'transcode-unavailable' when what is wanted cannot be made. */
export type CreateIntake = (from: Track, to: Accept, host: IntakeHost, options: IntakeOptions) => Intake
