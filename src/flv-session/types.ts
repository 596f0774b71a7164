/** What the RTMP and FLV adapters share: tags into a Publication, subscribed tracks out to messages. */
import type { Accept, Clock, EgressSink, OpenTrack, Publication, TrackInfo } from '../core/types.ts'
import type { FlvTag } from '../media/flv/types.ts'

/** The part of a logger that a session needs; any adapter's logger is one. */
export interface SessionLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/* ---------- in ---------- */

export interface IngestOptions {
  readonly publication: Publication
  readonly clock: Clock
  readonly log: SessionLog
}
/** One publisher. Feeds a publication from its tags; the caller closes the publication. */
export interface TagIngest {
  /** Never throws for the content of a tag. false: a lossless reader is behind (live sources ignore it). */
  push(tag: FlvTag): boolean
  /** Resolves when no lossless reader is behind any more. */
  drained(): Promise<void>
  /** The publication was told that it is ready. */
  readonly ready: boolean
  /** How many sinks want any of the tracks, now. */
  readonly demand: number
  /** Tags dropped so far, by cause. */
  readonly damage: Readonly<Record<string, number>>
  /** No more tags: cancels the deadline and logs the damage counts, once. */
  end(): void
}
/** `publishTags` of ingest.ts. */
export type PublishTags = (options: IngestOptions) => TagIngest

/* ---------- out ---------- */

/**
 * One tag towards readers. For one frame every reader of the stream is handed the same object: whatever a
 * protocol derives from it (RTMP chunks, an FLV tag with its header) is cached under this identity and
 * shared.
 */
export interface FlvMessage extends FlvTag {
  /** 'config' is a sequence header or its Enhanced RTMP equal: never to be dropped. */
  readonly role: 'metadata' | 'config' | 'frame'
  /** Decoding can start here. */
  readonly key: boolean
  /** Readers that come later are handed it again: what was made of it is worth keeping. */
  readonly recurs: boolean
}
/** Written to synchronously, in order, every message of one reader. */
export interface FlvMessageSink {
  write(message: FlvMessage): void
}

/** What the reader of an FLV or RTMP stream can take beyond the codecs of the legacy form. */
export interface FlvCapabilities {
  /**
   * Enhanced RTMP FourCCs it announced or is known to take: 'hvc1', 'av01', 'vp09', 'vp08', 'Opus'; '*' for
   * all.
   */
  readonly fourCcs: readonly string[]
  /** Those it may take, for all that is known: given where nothing else can be made of a track. */
  readonly unsure?: readonly string[]
}
/** `acceptsFlv` of egress.ts: H.264, AAC, MP3, G.711 always, the rest by capability. */
export type AcceptsFlv = (tracks: readonly TrackInfo[], capabilities: FlvCapabilities) => readonly Accept[]

/**
 * One reader: onMetaData first, each track's sequence header before its first frame and before a key frame
 * that changes it.
 */
export interface FlvOutput {
  /** For `Egress.open`; may be called again with tracks that appeared later. */
  open(tracks: readonly OpenTrack[]): readonly EgressSink[]
}
