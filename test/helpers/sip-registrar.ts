/** A registrar in the place of signalling: answers REGISTER as a script says. */
import type { BoundAddress, Source, Target } from '../../src/adapters/sip/addresses.ts'
import { HeaderList } from '../../src/adapters/sip/message/header-list.ts'
import { parseNameAddr } from '../../src/adapters/sip/message/name-addr.ts'
import type { SipUri } from '../../src/adapters/sip/message/types.ts'
import type { RegistrationSignalling } from '../../src/adapters/sip/registration/types.ts'
import type { RequestOptions, RequestResult } from '../../src/adapters/sip/request.ts'

export interface Answer {
  readonly code: number
  readonly reason?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Made up here: nobody answered. */
  readonly silent?: boolean
  /** Our address as the registrar sees it. */
  readonly seen?: string
}

export class ScriptedRegistrar implements RegistrationSignalling {
  /** Of our door, as the configuration tells it. */
  external: { readonly host: string } | undefined
  readonly requests: RequestOptions[] = []
  readonly kept: { readonly target: Target; readonly door: number | undefined }[] = []
  /** The next answers; the last one is given from then on. */
  answers: Answer[]
  lookUp: () => Promise<readonly Target[]> = async () => [
    { transport: 'udp', ip: '198.51.100.5', port: 5060, name: 'pbx.example' },
  ]

  constructor(...answers: Answer[]) {
    this.answers = answers
  }

  get addresses(): readonly BoundAddress[] {
    const { external } = this
    return [{ transport: 'udp', host: '192.0.2.10', port: 5060, ...(external !== undefined && { external }) }]
  }

  async request(options: RequestOptions): Promise<RequestResult> {
    this.requests.push(options)
    const answer = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!
    const { code, reason = '', silent = false, seen = '192.0.2.10:5060' } = answer
    const headers = new HeaderList()
    const given = answer.headers ?? (code === 200 ? { Contact: this.contacts.at(-1)! } : {})
    for (const [name, value] of Object.entries(given)) headers.add(name, value)
    const [received = '', rport = ''] = seen.split(':')
    const response = {
      code,
      reason,
      method: 'REGISTER',
      headers,
      from: options.from,
      to: options.from,
      callId: options.callId!,
      cseq: options.cseq!,
    }
    if (silent) return { response, cseq: options.cseq! }
    const via = {
      transport: 'UDP',
      host: '192.0.2.10',
      port: 5060,
      params: new Map([
        ['received', received],
        ['rport', rport],
      ]),
    }
    return { response: { ...response, via }, cseq: options.cseq!, source: this.#source }
  }

  get #source(): Source {
    return { transport: 'udp', ip: '198.51.100.5', port: 5060, local: this.addresses[0]! }
  }

  doorTowards(): number {
    return 0
  }

  contact(_door: number, user = ''): ReturnType<RegistrationSignalling['contact']> {
    return parseNameAddr(`<sip:${user}@192.0.2.10:5060>`)!
  }

  locate(_uri: SipUri): Promise<readonly Target[]> {
    return this.lookUp()
  }

  readonly learned: string[] = []
  learn(ip: string, seen: { readonly host: string; readonly port: number } | undefined): void {
    this.learned.push(`${ip} ${seen?.host}:${seen?.port}`)
  }

  keepAlive(target: Target, door?: number): void {
    this.kept.push({ target, door })
  }

  /** First Contact of each request so far. */
  get contacts(): readonly string[] {
    return this.requests.map(({ headers }) => [headers?.Contact ?? []].flat()[0] ?? '')
  }
}
