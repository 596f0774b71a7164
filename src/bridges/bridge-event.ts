/** What a bridge tells of itself. */
import type { CloseReason } from '../core/types.ts'
import type { LinkState } from './link-state.ts'

/** One end of a bridge is in another state. */
export interface EndChange {
  /** Which end, without keys. */
  readonly end: string
  readonly state: LinkState
  /** Connections tried again so far. */
  readonly retries: number
  /** The state in words, and why. */
  readonly detail: string
  /** Code of the error, where there is trouble. */
  readonly code: string | undefined
}

interface About {
  readonly bridge: string
  /** The stream it reads. */
  readonly stream: string
}
/** Its ends as given, without keys. */
interface Ends {
  readonly from: string
  readonly to: readonly string[]
}
/** Each 'opened' has one 'closed'; 'changed' comes in between. */
export type BridgeEvent =
  | (About & Ends & { readonly type: 'opened' })
  | (About & { readonly type: 'changed'; readonly change: EndChange })
  | (About & Ends & { readonly type: 'closed'; readonly reason: CloseReason })
