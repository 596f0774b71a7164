/** What a stream is given by its registry. */
import type { Converters } from './converters.ts'
import type { Measures } from './measures.ts'
import type { PolicyFor } from './policy.ts'
import type { Clock, Continuity, Demand, Transcoder } from './types.ts'

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
  readonly policyFor: PolicyFor
  /** Of the stream of this name, as it is now. */
  readonly continuity: (stream: string) => Continuity
  /** Whether and how the stream of this name can be had while nobody publishes it. */
  readonly demand: (stream: string) => Demand | undefined
  readonly freeze: boolean
  readonly measures: Measures
  /** A reader's id, never given before. */
  readonly nextId: () => string
  readonly log: CoreLog | undefined
}
