/** L1. What is counted, as plain numbers. */

export interface TrackStats {
  /** Frames or packets, in the native form, and their payload bytes. */
  readonly units: number
  readonly bytes: number
  /** Over the last whole second with media; 0 before. */
  readonly bitsPerSecond: number
  readonly framesPerSecond: number
  /** Between the last two key frames of a video track. */
  readonly keyframeIntervalMs: number | undefined
  /** Key frames asked of the source so far. */
  readonly keyframeRequests: number
  /** Converters now alive on the track: "packetise 1188", "depacketise". */
  readonly derived: readonly string[]
  /** How far the last sender report was from our mapping, milliseconds. */
  readonly syncErrorMs: number | undefined
  /** Damage by name, where a converter or a filter counts some: "lost", "b-frame". */
  readonly damage: Readonly<Record<string, number>>
}
export interface SubscriptionStats {
  readonly units: number
  readonly bytes: number
  readonly dropped: number
  readonly waitingForKey: boolean
  /** Units not handed on, by reason: 'waiting-for-key', 'slow', 'b-frame', ... */
  readonly droppedBy: Readonly<Record<string, number>>
}
