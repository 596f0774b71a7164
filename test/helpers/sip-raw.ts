/** A peer that says exactly what a test has it say. */
import { isRequest, parseMessage } from '../../src/adapters/sip/message/parse-message.ts'
import type { SipRequest, SipResponse } from '../../src/adapters/sip/message/types.ts'
import type { SipNetwork } from './sip-network.ts'

export interface RawRequest {
  readonly method: string
  readonly uri?: string
  readonly branch?: string
  readonly callId?: string
  readonly cseq?: number
  readonly fromTag?: string
  readonly toTag?: string | undefined
  readonly headers?: readonly string[]
  readonly body?: string
}

export class RawPeer {
  readonly #network: SipNetwork
  readonly #ip: string
  readonly #to: string
  readonly responses: SipResponse[] = []
  readonly requests: SipRequest[] = []

  private constructor(network: SipNetwork, ip: string, to: string) {
    this.#network = network
    this.#ip = ip
    this.#to = to
  }

  static async open(network: SipNetwork, ip: string, to: string): Promise<RawPeer> {
    const peer = new RawPeer(network, ip, `${to}:5060`)
    const port = await network.open(ip, 5060)
    port.onDatagram(bytes => {
      const message = parseMessage(bytes)
      if ('malformed' in message) throw new Error(message.malformed)
      if (isRequest(message)) peer.requests.push(message)
      else peer.responses.push(message)
    })
    return peer
  }

  get codes(): number[] {
    return this.responses.map(({ code }) => code)
  }

  /** `edit`: for what no field says. */
  request(raw: RawRequest, edit: (text: string) => string = text => text): void {
    const {
      method,
      uri = `sip:1000@${this.#to}`,
      branch = `z9hG4bK${Math.random()}`,
      callId = 'call',
      cseq = 1,
    } = raw
    const { fromTag = 'them', toTag, headers = [], body = '' } = raw
    const lines = [
      `${method} ${uri} SIP/2.0`,
      `Via: SIP/2.0/UDP ${this.#ip}:5060;branch=${branch};rport`,
      `From: <sip:them@${this.#ip}>;tag=${fromTag}`,
      `To: <sip:1000@${this.#to}>${toTag === undefined ? '' : `;tag=${toTag}`}`,
      `Call-ID: ${callId}`,
      `CSeq: ${cseq} ${method}`,
      `Contact: <sip:them@${this.#ip}:5060>`,
      'Max-Forwards: 70',
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    this.raw(edit(`${lines.join('\r\n')}\r\n\r\n${body}`))
  }

  /** Answers a request that came, `to` with the tag given. */
  respond(
    request: SipRequest,
    code: number,
    toTag: string,
    headers: readonly string[] = [],
    body = '',
  ): void {
    const echo = [...request.headers].filter(([name]) => ['via', 'from', 'call-id', 'cseq'].includes(name))
    const to = request.headers.get('to')!
    const lines = [
      `SIP/2.0 ${code} X`,
      ...echo.map(([name, value]) => `${name}: ${value}`),
      `To: ${to}${request.to.params.has('tag') ? '' : `;tag=${toTag}`}`,
      `Contact: <sip:them@${this.#ip}:5060>`,
      ...headers,
      ...(body === '' ? [] : ['Content-Type: application/sdp']),
      `Content-Length: ${body.length}`,
    ]
    this.raw(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }

  raw(text: string, port = 5060): void {
    this.#network.send(Buffer.from(text), this.#ip, port, this.#to)
  }

  /** Of the requests that came. */
  methods(): string[] {
    return this.requests.map(({ method }) => method)
  }
}
