/** What a source in RTP is, however it was told: by a URL, a file, or a session description in a request. */
import type { CodecParameters } from '../../media/types.ts'
import type {
  LatchMode,
  MulticastMembership,
  RtpFormat,
  RtpRemote,
  SdesKeys,
} from '../../rtp-session/plain/types.ts'

/** One payload type. Without parameters it is a multiplex whose tracks are found inside. */
export interface LineFormat {
  readonly format: RtpFormat
  readonly params: CodecParameters | undefined
  /** 0 only where single NAL units alone may come (RFC 6184 6.2). */
  readonly packetizationMode: 0 | 1
}

/** One stream: an RTP port and what may come to it. */
export interface SourceLine {
  /** For people: "video". */
  readonly name: string
  /** Local IP address to listen on. */
  readonly host: string
  readonly port: number
  /** null: RTCP comes and goes on the RTP port; undefined: on the next one. */
  readonly rtcpPort: number | null | undefined
  readonly formats: readonly LineFormat[]
  readonly feedback: readonly string[]
  readonly multicast: MulticastMembership | undefined
  readonly sdes: SdesKeys | undefined
}

export interface SourceOptions {
  /** Networks that may send; undefined: anybody. */
  readonly allow: readonly string[] | undefined
  readonly latch: LatchMode
  readonly remote: RtpRemote
  readonly timeoutMs: number
  /** undefined: as the first key frame shows, else as configured. */
  readonly maxPayload: number | undefined
}

export interface SourceDescription {
  /** For logs and reasons: no keys. */
  readonly label: string
  readonly lines: readonly SourceLine[]
  readonly options: SourceOptions
}
