/** A session description (RFC 8866) as plain data: lines stay lines, so nothing the peer said is lost. */

/** `a=name` or `a=name:value`. */
export interface SdpAttribute {
  readonly name: string
  readonly value: string | undefined
}

/** `m=kind port protocol formats…` and the lines below it. */
export interface SdpMedia {
  readonly kind: string
  /** 0: refused, or bundled only. */
  readonly port: number
  readonly protocol: string
  readonly formats: readonly string[]
  /** Value of the `c=` line ("IN IP4 0.0.0.0"). */
  readonly connection: string | undefined
  /** Values of the `b=` lines ("AS:512"). */
  readonly bandwidth?: readonly string[]
  readonly attributes: readonly SdpAttribute[]
}

export interface SdpSession {
  /** Value of the `o=` line. */
  readonly origin: string
  readonly name: string
  readonly connection: string | undefined
  readonly attributes: readonly SdpAttribute[]
  readonly media: readonly SdpMedia[]
}

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'

/** One `a=rtpmap` with the `a=fmtp` and `a=rtcp-fb` lines of the same payload type. */
export interface SdpCodec {
  readonly payloadType: number
  /** As written: "H264", "opus". */
  readonly name: string
  readonly clockRate: number
  readonly channels: number
  /** As written; '' when absent. */
  readonly fmtp: string
  /** "nack", "nack pli", "transport-cc", … */
  readonly feedback: readonly string[]
}

/** `a=extmap:id uri` (RFC 8285). */
export interface SdpExtension {
  readonly id: number
  readonly uri: string
}

/** `a=fingerprint:algorithm value` (RFC 8122). */
export interface SdpFingerprint {
  /** Lower case: "sha-256". */
  readonly algorithm: string
  /** Upper-case hex with colons. */
  readonly value: string
}
