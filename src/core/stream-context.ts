/** What a stream is given by its registry. */
import type { Converters } from './converters.ts'
import type { Clock, Continuity, NegotiatePolicy, Transcoder } from './types.ts'

/** The part of a logger that the core needs; any adapter's logger is one. */
export interface CoreLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}
/** What all streams of a registry share. */
export interface StreamContext {
  readonly clock: Clock
  readonly lingerUs: number
  readonly converters: Converters
  readonly transcoders: readonly Transcoder[]
  readonly policy: NegotiatePolicy
  /** Of the stream of this name, as it is now. */
  readonly continuity: (stream: string) => Continuity
  readonly freeze: boolean
  readonly log: CoreLog | undefined
}
