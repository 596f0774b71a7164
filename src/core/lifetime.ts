/** L1. Who owns what and until when: ownership and time. */

/* ---------- ownership ---------- */

export type CloseCode =
  | 'source-ended'
  /** Its connection broke; it may come back. */
  | 'source-lost'
  | 'replaced'
  | 'unpublished'
  | 'subscriber-left'
  | 'slow-subscriber'
  | 'no-common-codec'
  | 'timeout'
  | 'unauthorized'
  | 'kicked'
  | 'shutdown'
  | 'failed'
/** Why something ended. A value that travels down the tree unchanged, so a viewer's log can say why its publisher left. */
export interface CloseReason {
  readonly code: CloseCode
  readonly detail?: string
  readonly error?: Error
}

export interface Closable extends AsyncDisposable {
  /** Idempotent, never throws. Children close before their parent; deferred work runs last-in first-out. */
  close(reason?: CloseReason): Promise<void>
  readonly closed: Promise<CloseReason>
  readonly signal: AbortSignal
}
export interface Scope extends Closable {
  child(name: string): Scope
  defer(release: () => void | Promise<void>): void
}

/* ---------- time ---------- */

/** The only way to read the clock or set a timer; tests pass a hand-cranked one. */
export interface Clock {
  /** Monotonic microseconds. */
  now(): number
  /** Wall clock in microseconds since the Unix epoch. */
  wall(): number
  after(delayUs: number, run: () => void): () => void
}
export interface ClockAnchor {
  readonly ts: number
  readonly wall: number
  readonly from: 'sender-report' | 'capture-time' | 'arrival'
}
/** Maps one track's ticks to wall time, and to the stream's common time line. Written by the source only. */
export interface TrackClock {
  readonly rate: number
  anchor(a: ClockAnchor): void
  toWall(ts: number): number | undefined
  /** Microseconds since the stream began, comparable across the stream's tracks. */
  toStreamTime(ts: number): number
  fromStreamTime(us: number): number
}
