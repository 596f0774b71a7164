import type { RequestDraft } from '../message/format-message.ts'
import { parseNameAddr } from '../message/name-addr.ts'
import type { ExtraHeaders, NameAddr, SipRequest, SipResponse, SipUri } from '../message/types.ts'
import { formatUri, ipOfHost } from '../message/uri.ts'
import { dialogKey } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'
import { isUnreachable } from './nat.ts'

export interface Hop {
  readonly uri: SipUri
  readonly flow: Flow | undefined
  /** The door that the call goes by. */
  readonly door: number
}

interface DialogInit {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  /** From and To as they go on the wire, tags included. */
  readonly localText: string
  readonly remoteText: string
  readonly local: NameAddr
  readonly remote: NameAddr
  readonly remoteTarget: SipUri
  readonly routeSet: readonly string[]
  readonly localCseq: number
  readonly remoteCseq: number | undefined
  readonly flow: Flow
  /** The peer cannot be reached at its Contact. */
  readonly behindNat: boolean
}

const isLoose = (route: string): boolean => parseNameAddr(route)?.uri.params.has('lr') ?? true

const firstContact = (headers: SipRequest['headers']): SipUri | undefined =>
  parseNameAddr(headers.list('contact')[0] ?? '')?.uri

/** RFC 3261 12: who talks to whom, by which way, and which request is next. */
export class Dialog {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly local: NameAddr
  readonly remote: NameAddr
  flow: Flow
  remoteTarget: SipUri
  readonly #localText: string
  readonly #remoteText: string
  #routeSet: readonly string[]
  #localCseq: number
  #remoteCseq: number | undefined
  #behindNat: boolean

  private constructor(init: DialogInit) {
    this.callId = init.callId
    this.localTag = init.localTag
    this.remoteTag = init.remoteTag
    this.local = init.local
    this.remote = init.remote
    this.flow = init.flow
    this.remoteTarget = init.remoteTarget
    this.#localText = init.localText
    this.#remoteText = init.remoteText
    this.#routeSet = init.routeSet
    this.#localCseq = init.localCseq
    this.#remoteCseq = init.remoteCseq
    this.#behindNat = init.behindNat
  }

  /** Of an INVITE that came in; its Contact is there, and can be read. */
  static ofServer(request: SipRequest, localTag: string, flow: Flow): Dialog {
    const { headers, callId, from, to, cseq, via } = request
    const remoteTarget = firstContact(headers) ?? from.uri
    const routeSet = headers.list('record-route')
    return new Dialog({
      callId,
      localTag,
      remoteTag: from.params.get('tag') ?? '',
      localText: `${headers.get('to')};tag=${localTag}`,
      remoteText: headers.get('from') ?? '',
      local: to,
      remote: from,
      remoteTarget,
      routeSet,
      localCseq: 0,
      remoteCseq: cseq,
      flow,
      behindNat: routeSet.length === 0 && isUnreachable(remoteTarget, via, flow),
    })
  }

  /** Of an INVITE of ours, from the first response with that To tag. */
  static ofClient(request: RequestDraft, response: SipResponse, flow: Flow): Dialog {
    const { headers, from, to, callId } = response
    const remoteTarget = firstContact(headers) ?? to.uri
    const routeSet = headers.list('record-route').reverse()
    return new Dialog({
      callId,
      localTag: from.params.get('tag') ?? '',
      remoteTag: to.params.get('tag') ?? '',
      localText: request.from,
      remoteText: headers.get('to') ?? '',
      local: from,
      remote: to,
      remoteTarget,
      routeSet,
      localCseq: request.cseq,
      remoteCseq: undefined,
      flow,
      behindNat: routeSet.length === 0 && isUnreachable(remoteTarget, undefined, flow),
    })
  }

  get key(): string {
    return dialogKey(this.callId, this.localTag, this.remoteTag)
  }

  get localCseq(): number {
    return this.#localCseq
  }

  /** The 2xx decides about the route, whatever a provisional response said (RFC 3261 13.2.2.4). */
  confirm(response: SipResponse, flow: Flow): void {
    this.flow = flow
    this.#routeSet = response.headers.list('record-route').reverse()
    this.refreshTarget(response.headers)
  }

  /** Whether the request is not older than one before it (12.2.2). */
  accepts(request: SipRequest): boolean {
    if (this.#remoteCseq !== undefined && request.cseq <= this.#remoteCseq) return false
    this.#remoteCseq = request.cseq
    return true
  }

  /** INVITE and UPDATE, and their 2xx, move the far end (12.2); a connection that was lost is another one now. */
  refreshTarget(headers: SipRequest['headers'], flow = this.flow): void {
    this.flow = flow
    const target = firstContact(headers)
    if (target === undefined) return
    this.remoteTarget = target
    this.#behindNat =
      this.#routeSet.length === 0 && (this.#behindNat || isUnreachable(target, undefined, this.flow))
  }

  /** A signature used one up. */
  skipTo(cseq: number): void {
    this.#localCseq = Math.max(this.#localCseq, cseq)
  }

  /** The next request of ours; an ACK has the number of its INVITE instead. */
  draft(
    method: string,
    headers: ExtraHeaders = {},
    body?: RequestDraft['body'],
    cseq?: number,
  ): RequestDraft {
    if (cseq === undefined) this.#localCseq++
    const strict = this.#strictRoute()
    const target = formatUri(this.remoteTarget)
    return {
      method,
      uri: strict === undefined ? target : formatUri(strict),
      route: strict === undefined ? this.#routeSet : [...this.#routeSet.slice(1), `<${target}>`],
      from: this.#localText,
      to: this.#remoteText,
      callId: this.callId,
      cseq: cseq ?? this.#localCseq,
      headers,
      body,
    }
  }

  /** Where it goes: the first route, else the Contact, or back the way the peer came when that leads nowhere. */
  hop(): Hop {
    const { door } = this.flow
    const route = parseNameAddr(this.#routeSet[0] ?? '')?.uri
    const uri = route ?? this.remoteTarget
    if (route === undefined && (this.#behindNat || this.flow.reliable)) return { uri, flow: this.flow, door }
    const samePeer = this.flow.reliable && ipOfHost(uri.host) === this.flow.ip
    return { uri, flow: samePeer ? this.flow : undefined, door }
  }

  /** A first route that does not know loose routing is the request-URI itself (12.2.1.1). */
  #strictRoute(): SipUri | undefined {
    const [first] = this.#routeSet
    if (first === undefined || isLoose(first)) return undefined
    return parseNameAddr(first)?.uri
  }
}
