/** L3. What a protocol with calls offers besides streams: the same for every such protocol. */

/** 'dialling' and 'ringing': nothing is heard yet. 'early': sound before the answer. 'ending': the other end is told. */
export type CallState = 'dialling' | 'ringing' | 'early' | 'live' | 'ending' | 'ended'

/** Who put the call on hold. */
export type CallHold = 'none' | 'by-us' | 'by-them' | 'both'

/** What a caller that was answered hears or does before it is joined: `greeting` may be followed by `pin`. */
export type CallWait = 'greeting' | 'pin'

/** Why a call is over, or was refused. */
export interface CallReason {
  /** Of the protocol, as in SIP: 486. 0: nobody answered with one. */
  readonly code: number
  /** One sentence with the names and numbers of the case. */
  readonly detail: string
  readonly by: 'us' | 'them'
}

/** One line of media of a call. Counters are since the call began. */
export interface CallMedia {
  readonly kind: 'audio' | 'video'
  readonly codec: string
  /** As we see it: 'recvonly' is the far side on hold of ours. */
  readonly direction: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive'
  readonly srtp: boolean
  /** `IP:PORT`, where we are. */
  readonly local: string
  /** `IP:PORT`, to which we send; undefined: not known yet. */
  readonly remote: string | undefined
  /** Whether we follow the address that media really comes from. 'off': it is the one described. */
  readonly latch: 'off' | 'waiting' | 'locked'
  readonly received: CallReceived
  readonly sent: CallSent
  /** Of 1.0 to 4.5, ITU-T G.107 from loss, jitter and delay; undefined: nothing was received yet. */
  readonly mos: number | undefined
  readonly roundTripMs: number | undefined
  /** 0 to 1: what the far side last said that it lost of ours. */
  readonly remoteFractionLost: number | undefined
}
export interface CallSent {
  readonly packets: number
  readonly bytes: number
  /** Not sent, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}
export interface CallReceived {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
  readonly jitterMs: number
  /** Not taken, by reason. */
  readonly dropped: Readonly<Record<string, number>>
}

export interface CallInfo {
  readonly id: string
  /** Name of the adapter. */
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  readonly state: CallState
  readonly hold: CallHold
  /** Live, but not joined yet: until then it hears no stream and, where a PIN is wanted, is none. */
  readonly waitsFor?: CallWait | undefined
  /** URIs without passwords. */
  readonly from: string
  readonly to: string
  /** Who calls, as a trusted registration or trunk asserts it; absent: none does. */
  readonly asserted?: string
  /** Who was called before and has passed the call on, as a trusted one says, the last one first. */
  readonly diverted?: readonly string[]
  /** `IP:PORT` of the signalling, with its transport. */
  readonly peer: string
  /** What the call is called by the other end: the Call-ID. */
  readonly callId: string
  /** Through which registration or trunk. */
  readonly account: string | undefined
  /** The rule of the dial plan that admitted it. */
  readonly route: string | undefined
  /** The stream that the far side's media is, before the answer: will be. */
  readonly publish: string | undefined
  /** The stream that the far side hears; while it rings: the one that it waits for. */
  readonly hear: string | undefined
  /** Why what it should hear cannot be heard now. */
  readonly hearError: string | undefined
  /** Wall clock, microseconds. */
  readonly since: number
  readonly answeredAt: number | undefined
  readonly endedAt: number | undefined
  readonly reason: CallReason | undefined
  readonly media: readonly CallMedia[]
  /** What of the media was left out, and what may be wrong: one sentence each. */
  readonly remarks: readonly string[]
}

export type CallEvent =
  | { readonly type: 'call:ringing' | 'call:early' | 'call:answered'; readonly call: CallInfo }
  | { readonly type: 'call:held' | 'call:resumed'; readonly call: CallInfo }
  | { readonly type: 'call:ended'; readonly call: CallInfo; readonly reason: CallReason }
  | { readonly type: 'call:dtmf'; readonly call: CallInfo; readonly digit: string; readonly how: DigitsWay }
  | { readonly type: 'call:transferred'; readonly call: CallInfo; readonly result: TransferResult }
  /** No rule admitted it; at most one of these in a second, which says how many there were. */
  | ({
      readonly type: 'call:refused'
      readonly from: string
      readonly to: string
      readonly remote: string
    } & {
      readonly reason: CallReason
      readonly refused: number
    })
  | { readonly type: 'account:changed'; readonly account: AccountInfo }

/** How digits travel: in RTP (RFC 4733), as signalling, or as tones. */
export type DigitsWay = 'rtp' | 'info' | 'inband'

export interface DialRequest {
  /** A URI: `sip:+4930123@provider.example`. */
  readonly to: string
  /** The name that the far side's media is published under; undefined: it is not published. */
  readonly publish?: string | undefined
  /** The stream that the far side hears; undefined: silence. */
  readonly hear?: string | undefined
  /** Through which registration or trunk; undefined: the one whose domain it is, else directly. */
  readonly account?: string | undefined
  /** Ring so long, milliseconds. */
  readonly ringMs?: number | undefined
  /** Whether pictures are offered; undefined: when what it hears has some. */
  readonly video?: boolean | undefined
  /** Rejects for an address that a call may not lead to, where the configuration does not name who is called. */
  readonly resolveHost?: ((host: string) => Promise<unknown>) | undefined
}

/** What the far side's own telephone said of a transfer. */
export interface TransferResult {
  readonly done: boolean
  readonly code: number
  readonly detail: string
}

/** A registration at a PBX or provider, or a trunk. */
export interface AccountInfo {
  readonly name: string
  readonly uri: string
  readonly state: 'registered' | 'registering' | 'failed' | 'unregistered' | 'trunk'
  /** Wall clock, microseconds. */
  readonly expiresAt: number | undefined
  readonly nextTryAt: number | undefined
  readonly error: string | undefined
  readonly calls: number
}

/** A call as it might come. */
export interface CallQuestion {
  readonly to: string
  readonly from?: string | undefined
  /** IP address it comes from. */
  readonly remote?: string | undefined
}
export interface CallExplanation {
  readonly outcome: 'admitted' | 'challenged' | 'refused'
  /** What would be answered. */
  readonly code: number
  readonly detail: string
  /** Every rule in order, with its verdict. */
  readonly rules: readonly { readonly rule: string; readonly admits: boolean; readonly why: string }[]
  readonly publish: string | undefined
  readonly hear: string | undefined
}

/** Of one call by its id; each throws GatewayError 'not-found' when there is none, 'closed' when it has ended. */
export interface CallDesk {
  /** Calls that are there, then the last that ended. */
  list(): readonly CallInfo[]
  find(id: string): CallInfo | undefined
  /**
   * Resolves as soon as the call is on its way; events tell how it goes on.
   * @throws GatewayError 'forbidden' by the rules for outbound calls, 'bad-url', 'busy' at a cap, 'connect-failed'
   */
  dial(request: DialRequest): Promise<CallInfo>
  /** Also while it rings. Resolves when the other end has been told. */
  hangup(id: string, detail?: string): Promise<void>
  /** @throws GatewayError 'refused' when the far side does not agree */
  hold(id: string): Promise<void>
  unhold(id: string): Promise<void>
  /** `0-9`, `*`, `#`, `A-D`. Without `how`: as was agreed with the far side. Resolves when they have been sent. */
  sendDigits(id: string, digits: string, how?: DigitsWay): Promise<void>
  /** Resolves with what became of it; @throws GatewayError 'refused' or 'timeout' when the far side does not try */
  transfer(id: string, to: string): Promise<TransferResult>
  /** What the far side hears from now on; undefined: silence. @throws GatewayError 'stream-offline', 'no-common-codec' */
  hear(id: string, stream: string | undefined): Promise<void>
  explain(question: CallQuestion): CallExplanation
  accounts(): readonly AccountInfo[]
  /** What is counted of the signalling, by name; they only grow. */
  counters(): Readonly<Record<string, number>>
  on(listener: (event: CallEvent) => void): () => void
}
