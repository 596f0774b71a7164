/** What a SIP message is once it is read. Values are as the wire had them, unfolded and trimmed. */
import type { HeaderList } from './header-list.ts'

/** Parameters of a URI or of a header: name in lower case to value; '' for a parameter without value. */
export type Params = ReadonlyMap<string, string>

export interface SipUri {
  readonly scheme: 'sip' | 'sips' | 'tel'
  /** Percent-decoded; the number of a `tel:` URI with its visual separators removed. '' when there is none. */
  readonly user: string
  /** Lower case; IPv6 in brackets. '' in a `tel:` URI. */
  readonly host: string
  readonly port?: number
  readonly params: Params
  /** What follows `?`, not decoded. */
  readonly headers?: string
}

/** From, To, Contact, Route, Refer-To, P-Asserted-Identity…: an address with a name and parameters. */
export interface NameAddr {
  /** Without quotes; '' when there is none. */
  readonly display: string
  readonly uri: SipUri
  readonly params: Params
}

/** One hop a request came over (RFC 3261 20.42). */
export interface Via {
  /** 'UDP', 'TCP', 'TLS', 'WS' or 'WSS', or what a stranger invented. */
  readonly transport: string
  readonly host: string
  readonly port?: number
  readonly params: Params
}

/** Of several parts the session description, when there is one. */
export interface Body {
  /** Media type in lower case, with its parameters: 'application/sdp'. */
  readonly type: string
  readonly content: string
}

interface Common {
  readonly headers: HeaderList
  readonly from: NameAddr
  readonly to: NameAddr
  readonly callId: string
  readonly cseq: number
  readonly body?: Body
}

export interface SipRequest extends Common {
  /** Methods are case-sensitive (RFC 3261 7.1). */
  readonly method: string
  readonly uri: SipUri
  /** The Request-URI as the peer wrote it; digests are made over it. */
  readonly rawUri: string
  readonly via: Via
  readonly maxForwards: number
}

export interface SipResponse extends Common {
  readonly code: number
  readonly reason: string
  /** Method of the request that is answered, from CSeq. */
  readonly method: string
  /** Absent in an answer made up here: 408 when nobody answered, 503 when the peer cannot be reached. */
  readonly via?: Via
}

/** Headers to add, by name: `{ 'X-Room': 'a' }`; an array for several lines of one name. */
export type ExtraHeaders = Readonly<Record<string, string | readonly string[]>>
