/** Requests outside a call: how they are let in, answered and sent. */
import type { Source, Target } from './addresses.ts'
import type { DigestAlgorithm } from './digest/hash.ts'
import type { Body, ExtraHeaders, NameAddr, SipRequest, SipResponse, SipUri } from './message/types.ts'

/** One of them is needed. `ha1` is hex of H(user:realm:password), for one algorithm and realm. */
export interface DigestSecret {
  readonly password?: string
  readonly ha1?: { readonly md5?: string; readonly sha256?: string }
}

export interface Credentials {
  readonly user: string
  readonly password: string
}

/** What becomes of a request that opens something new. */
export type Verdict =
  | { readonly action: 'admit' }
  | {
      readonly action: 'reject'
      readonly code: number
      readonly reason?: string
      readonly headers?: ExtraHeaders
    }
  /** 401 until the request is signed; then it is admitted, and `user` is told with it. 403 is the answer to a wrong password. */
  | {
      readonly action: 'challenge'
      readonly realm: string
      readonly secretOf: (user: string) => DigestSecret | undefined
      /** Offered in this order. Default MD5 alone: SIPp gives up at a first one that is another, sip.js at a last one. */
      readonly algorithms?: readonly DigestAlgorithm[]
      /** What it has signed is not looked at: it is asked to sign for its address first. */
      readonly asksOnly?: true
    }
  /** No answer at all. */
  | { readonly action: 'drop' }

/** A request without a call: MESSAGE, REGISTER, SUBSCRIBE…, or one inside a call that the session does not answer itself. */
export interface IncomingRequest {
  readonly request: SipRequest
  readonly source: Source
  /** Who signed it, when it was challenged. */
  readonly user?: string
  /** One final answer; later ones are ignored. */
  reply(code: number, options?: ReplyOptions): void
}

export interface ReplyOptions {
  readonly reason?: string
  readonly headers?: ExtraHeaders
  readonly body?: Body
}

/** How a request finds its way. */
export interface RouteOptions {
  readonly uri: SipUri
  /** Where the next hop is, in the order to be tried. Left out: it is looked up. */
  readonly targets?: readonly Target[]
  /** Loose routes in their order: an outbound proxy, a Service-Route. */
  readonly route?: readonly SipUri[]
  readonly from: NameAddr
  /** Default: `uri` without parameters. */
  readonly to?: NameAddr
  readonly headers?: ExtraHeaders
  readonly credentials?: Credentials
  /** The door it leaves by: an index of `addresses`. Default: the first that fits the target's transport and family. */
  readonly door?: number
}

export interface RequestOptions extends RouteOptions {
  readonly method: string
  readonly body?: Body
  /** Default: a new one. A registration keeps its own and counts on. */
  readonly callId?: string
  /** Default 1; credentials raise it by one for each try. `cseq` of the result is the last used. */
  readonly cseq?: number
}

export interface RequestResult {
  readonly response: SipResponse
  readonly cseq: number
  /** Where the answer came from; absent when the response was made up here. */
  readonly source?: Source
  /** Why it was made up here. */
  readonly detail?: string
}
