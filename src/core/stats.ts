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
  /** How the transcode goes that makes the track; absent for a track of the source. */
  readonly transcode?: TranscodeProgress | undefined
}
/** One running transcode, for people and monitoring. Counters only grow. */
export interface TranscodeProgress {
  readonly restarts: number
  readonly packetsIn: number
  readonly packetsOut: number
  /** Source packets that did not reach the encoder, and encoded ones not handed on, by cause. */
  readonly dropped: Readonly<Record<string, number>>
  /** From the moment the last sample of a packet came in to the moment the packet went out. Smoothed. */
  readonly latencyMs: number
  /** Of live sound in process: made up for what was lost, let pass as silence of the sender, unevenness met, in ms. */
  readonly concealedMs?: number
  readonly silentMs?: number
  readonly jitterMs?: number
}
export interface SubscriptionStats {
  readonly units: number
  readonly bytes: number
  readonly dropped: number
  readonly waitingForKey: boolean
  /** Units not handed on, by reason: 'waiting-for-key', 'slow', 'b-frame', ... */
  readonly droppedBy: Readonly<Record<string, number>>
  /** From the arrival of the last unit that was measured until its protocol was given it; 1 of 64 is measured. */
  readonly latencyMs: number | undefined
  /** Bytes that wait in the socket; undefined where nothing waits. */
  readonly backlogBytes: number | undefined
}
/** What a protocol knows of the way to its peer, where it knows it. Counters are since the session began. */
export interface LinkStats {
  readonly roundTripMs?: number | undefined
  readonly jitterMs?: number | undefined
  readonly packets?: number | undefined
  /** Packets that did not come and were not repaired. */
  readonly lost?: number | undefined
  /** 0 to 1, over the last reporting interval. */
  readonly fractionLost?: number | undefined
  /** Packets asked for again by the receiving side. */
  readonly nacks?: number | undefined
  readonly resent?: number | undefined
  readonly repaired?: number | undefined
  /** Key frames asked for by PLI or FIR. */
  readonly pictureLossRequests?: number | undefined
  /** Over TCP: bytes that the operating system has taken, and those of them that the peer's protocol has not acknowledged. */
  readonly sentBytes?: number | undefined
  readonly unacknowledgedBytes?: number | undefined
}

/** The counters of a link, for sums. */
export const linkReading = (link: LinkStats | undefined): Readonly<Record<string, number>> =>
  link === undefined
    ? {}
    : {
        packets: link.packets ?? 0,
        lost: Math.max(0, link.lost ?? 0),
        nacks: link.nacks ?? 0,
        resent: link.resent ?? 0,
        repaired: link.repaired ?? 0,
        pictureLossRequests: link.pictureLossRequests ?? 0,
      }
