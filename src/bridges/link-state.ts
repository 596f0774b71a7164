/** The life of one end of a bridge as a pure function: what it is in, and when it tries again. */
import { type ErrorCode, GatewayError } from '../errors.ts'

export type LinkState = 'connecting' | 'live' | 'backoff' | 'failed' | 'ended'

export interface LinkStatus {
  readonly state: LinkState
  /** Why it was lost, refused, or has to wait; stays when it is live again. */
  readonly lastError: GatewayError | undefined
  /** Monotonic microseconds. */
  readonly lastErrorAt: number | undefined
  /** Connections tried again so far. */
  readonly retries: number
  /** Monotonic microseconds of the next try. In back-off without: it waits for its source. */
  readonly nextRetryAt: number | undefined
  /** Place in the back-off table. */
  readonly step: number
  readonly liveSince: number | undefined
  /** It was live for as long as `settleMs`: what is refused now was allowed before. */
  readonly proven: boolean
  /** Connections in a row that the other end closed without a word before they had lived for `settleMs`. */
  readonly hangUps: number
}

export interface RetryPolicy {
  /** Back-off: the first wait, doubled each time up to the last; milliseconds. */
  readonly firstMs: number
  readonly maxMs: number
  /** The same after a refusal of what was allowed before. */
  readonly refusedFirstMs: number
  readonly refusedMaxMs: number
  /** Share of a wait by which it varies: 0.2 is ±10 %. */
  readonly jitter: number
  /** A connection must have lived so long for the back-off to begin anew, milliseconds. */
  readonly dwellMs: number
  /** A connection that lived so long was wanted, milliseconds. */
  readonly settleMs: number
  /** So many hang-ups in a row that come sooner are a refusal. */
  readonly hangUps: number
}

/** Times are monotonic microseconds. */
export type LinkEvent =
  | { readonly type: 'live'; readonly at: number }
  /** `random` in [0, 1) spreads the wait. `final`: it is not tried again. */
  | {
      readonly type: 'lost'
      readonly at: number
      readonly error: GatewayError
      readonly random: number
      readonly final: boolean
    }
  | { readonly type: 'source-gone'; readonly at: number; readonly error: GatewayError }
  | { readonly type: 'source-back' }
  | { readonly type: 'due' }
  | { readonly type: 'ended' }

export const initialStatus: LinkStatus = {
  state: 'connecting',
  lastError: undefined,
  lastErrorAt: undefined,
  retries: 0,
  nextRetryAt: undefined,
  step: 0,
  liveSince: undefined,
  proven: false,
  hangUps: 0,
}

/** Answers that the same request will get again. */
const refusals: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'bad-name',
  'bad-request',
  'bad-url',
  'unauthorized',
  'forbidden',
  'not-found',
  'name-taken',
  'no-common-codec',
  'unsupported-codec',
  'unsupported-media-type',
  'transcode-unavailable',
  'b-frames',
  'not-implemented',
  'dependency-missing',
  'untrusted',
  'refused',
])

/** Asked again, the same answer would come; unless it came with a time to ask again. */
export const isRefusal = ({ code, retryAfterS }: GatewayError): boolean =>
  refusals.has(code) && retryAfterS === undefined

const isHangUp = ({ code, retryAfterS }: GatewayError): boolean =>
  code === 'hung-up' && retryAfterS === undefined

/** Milliseconds of the wait at `step` of the table, spread by `random` in [0, 1). */
export const backoffMs = (policy: RetryPolicy, step: number, refused: boolean, random: number): number => {
  const [first, max] = refused ? [policy.refusedFirstMs, policy.refusedMaxMs] : [policy.firstMs, policy.maxMs]
  const wait = Math.min(max, first * 2 ** Math.min(step, 30))
  return wait * (1 + policy.jitter * (random - 0.5))
}

const livedMs = ({ liveSince }: LinkStatus, at: number): number =>
  liveSince === undefined ? 0 : (at - liveSince) / 1000

/** What a connection that is over leaves behind. */
const afterwards = (status: LinkStatus, at: number, policy: RetryPolicy) => {
  const lived = livedMs(status, at)
  return {
    proven: status.proven || lived >= policy.settleMs,
    hangUps: lived >= policy.settleMs ? 0 : status.hangUps,
    step: lived >= policy.dwellMs ? 0 : status.step,
    liveSince: undefined,
    nextRetryAt: undefined,
  }
}

/** A hang-up may be a restart: alone it is none, in a row it is a refusal without a word. */
const judgeHangUp = (error: GatewayError, hangUps: number, { hangUps: most, settleMs }: RetryPolicy) => {
  const said = `${error.detail ?? error.message} within ${settleMs} ms, ${hangUps} of ${most} times in a row`
  return hangUps < most
    ? new GatewayError('hung-up', `${said} until that is a refusal`, { cause: error })
    : new GatewayError('refused', `${said}: that is a refusal`, { cause: error })
}

const lose = (status: LinkStatus, event: LinkEvent & { type: 'lost' }, policy: RetryPolicy): LinkStatus => {
  const { at, random, final } = event
  const after = afterwards(status, at, policy)
  const hungUp = isHangUp(event.error) && livedMs(status, at) < policy.settleMs
  const hangUps = after.hangUps + (hungUp ? 1 : 0)
  const error = hungUp && !final ? judgeHangUp(event.error, hangUps, policy) : event.error
  const refused = isRefusal(error)
  const lost = { ...status, ...after, hangUps, lastError: error, lastErrorAt: at }
  if (final || (refused && !after.proven)) return { ...lost, state: 'failed' }
  const waitMs = Math.max(backoffMs(policy, after.step, refused, random), (error.retryAfterS ?? 0) * 1000)
  return { ...lost, state: 'backoff', step: after.step + 1, nextRetryAt: at + Math.round(waitMs * 1000) }
}

/** To have waited for its source is no error of this end. */
const goLive = (status: LinkStatus, at: number): LinkStatus => {
  const live = { ...status, state: 'live', liveSince: at } as const
  return status.lastError?.code === 'stream-offline'
    ? { ...live, lastError: undefined, lastErrorAt: undefined }
    : live
}

const isOver = ({ state }: LinkStatus): boolean => state === 'failed' || state === 'ended'
const isWaiting = ({ state, nextRetryAt }: LinkStatus): boolean =>
  state === 'backoff' && nextRetryAt === undefined

/** Pure. Events that do not fit the state change nothing. */
export const reduceLink = (status: LinkStatus, event: LinkEvent, policy: RetryPolicy): LinkStatus => {
  if (isOver(status)) return status
  switch (event.type) {
    case 'live':
      return status.state === 'connecting' ? goLive(status, event.at) : status
    case 'lost':
      return lose(status, event, policy)
    case 'source-gone':
      return {
        ...status,
        ...afterwards(status, event.at, policy),
        state: 'backoff',
        lastError: event.error,
        lastErrorAt: event.at,
      }
    case 'source-back':
      return isWaiting(status) ? { ...status, state: 'connecting' } : status
    case 'due':
      return status.nextRetryAt === undefined
        ? status
        : { ...status, state: 'connecting', nextRetryAt: undefined, retries: status.retries + 1 }
    case 'ended':
      return { ...status, state: 'ended', nextRetryAt: undefined, liveSince: undefined }
  }
}

/** Does it wait for its source, and not for a time? */
export const waitsForSource = isWaiting
/** Nothing changes any more. */
export const isFinal = isOver
