/** Call to stream: what the far side sends becomes tracks in their native form, rtp. */
import type { Clock, Publication, TrackWriter } from '../../../core/types.ts'
import type { RtpPacket } from '../../../media/types.ts'
import type { AgreedCodec, AgreedLine } from '../offer-answer/types.ts'
import { sameTrack, trackParameters } from './track-parameters.ts'

/** How often the arrival of a packet is compared with the track's clock. */
const ANCHOR_US = 500_000
/** What fits the path to anybody: phones send no larger ones. */
const MAX_PAYLOAD_BYTES = 1200

type LineKind = AgreedLine['kind']
interface IngestTrack {
  readonly writer: TrackWriter<'rtp'>
  /** What the far side may send. */
  codecs: readonly AgreedCodec[]
  /** What it sends. */
  codec: AgreedCodec
  payloadType: number
  anchoredAt: number
}

export class CallIngest {
  readonly #publication: Publication
  readonly #clock: Clock
  readonly #requestKeyframe: () => void
  readonly #tracks: { audio?: IngestTrack; video?: IngestTrack } = {}
  #ready = false

  constructor(publication: Publication, clock: Clock, requestKeyframe: () => void) {
    this.#publication = publication
    this.#clock = clock
    this.#requestKeyframe = requestKeyframe
  }

  get stream(): string {
    return this.#publication.stream
  }

  /** Somebody wants a key frame of the far side. */
  requestKeyframe(): void {
    this.#requestKeyframe()
  }

  /** Declares the tracks of what was agreed, or changes their format. */
  adopt(lines: readonly AgreedLine[]): void {
    for (const line of lines) this.#adopt(line)
    if (this.#ready || lines.length === 0) return
    this.#ready = true
    this.#publication.ready()
  }

  write(kind: LineKind, packet: RtpPacket, payloadType: number): void {
    const track = this.#tracks[kind]
    if (track === undefined) return
    if (payloadType !== track.payloadType) this.#follow(track, payloadType)
    if (packet.arrival - track.anchoredAt >= ANCHOR_US) {
      track.anchoredAt = packet.arrival
      const wall = this.#clock.wall() - (this.#clock.now() - packet.arrival)
      track.writer.clock.anchor({ ts: packet.ts, wall, from: 'arrival' })
    }
    track.writer.write(packet)
  }

  /** A sender report of the far side: tick `ts` was captured at `wall`. */
  report(kind: LineKind, ts: number, wall: number): void {
    this.#tracks[kind]?.writer.clock.anchor({ ts, wall, from: 'sender-report' })
  }

  #adopt({ kind, codec, alternatives }: AgreedLine): void {
    const codecs = [codec, ...alternatives]
    const track = this.#tracks[kind]
    if (track === undefined) {
      this.#tracks[kind] = this.#add(kind, codec, codecs)
      return
    }
    track.codecs = codecs
    this.#change(track, codec)
  }

  /** The far side may change between the codecs it has agreed to at any packet (RFC 3264 7). */
  #follow(track: IngestTrack, payloadType: number): void {
    const codec = track.codecs.find(({ payloadTypes }) => payloadTypes.receive === payloadType)
    if (codec !== undefined) this.#change(track, codec)
  }

  #change(track: IngestTrack, codec: AgreedCodec): void {
    const before = track.codec
    track.codec = codec
    track.payloadType = codec.payloadTypes.receive
    if (sameTrack(before, codec)) return
    track.anchoredAt = Number.NEGATIVE_INFINITY
    track.writer.setParams(trackParameters(codec))
  }

  #add(kind: LineKind, codec: AgreedCodec, codecs: readonly AgreedCodec[]): IngestTrack {
    const mode = codec.packetizationMode
    const writer = this.#publication.addTrack({
      id: kind,
      native: 'rtp',
      params: trackParameters(codec),
      rtp: { maxPayload: MAX_PAYLOAD_BYTES, ...(mode !== undefined && { h264PacketizationMode: mode }) },
      ...(kind === 'video' && { onKeyframeRequest: this.#requestKeyframe }),
    })
    const payloadType = codec.payloadTypes.receive
    return { writer, codecs, codec, payloadType, anchoredAt: Number.NEGATIVE_INFINITY }
  }
}
