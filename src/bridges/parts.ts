import type { Logger } from '../adapters/adapter.ts'
import type { Clock, MediaPolicy, Registry, Scope } from '../core/types.ts'
import type { RestreamConfig } from '../restream/config.ts'
import type { EndChange } from './bridge-event.ts'
import type { Endpoint } from './endpoint.ts'
import type { TellPeer } from './leg-info.ts'

/** What one bridge is made of. */
export interface BridgeParts {
  readonly id: string
  readonly from: Endpoint
  readonly to: readonly Endpoint[]
  /** How long the source's tracks may take to be known, milliseconds. */
  readonly waitMs: number
  /** What is lost is connected again, and a stream that has ended is waited for. */
  readonly retry: boolean
  /** The source need not be there at first. */
  readonly patient: boolean
  /** What is otherwise than the stream's on the way to the destinations. */
  readonly policy: MediaPolicy
  readonly registry: Registry
  readonly clock: Clock
  readonly restream: RestreamConfig
  /** Sound may be brought into the form that a destination wants. */
  readonly canTranscode: boolean
  readonly scope: Scope
  readonly log: Logger
  readonly onChange: (change: EndChange) => void
  /** Told what the program at an end must know, as soon as that is certain. */
  readonly onPeer: TellPeer
}
