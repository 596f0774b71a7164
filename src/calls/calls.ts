/** The calls of all protocols as one list. */
import type {
  AccountInfo,
  CallDesk,
  CallEvent,
  CallExplanation,
  CallInfo,
  CallQuestion,
  DialRequest,
  DigitsWay,
  TransferResult,
} from '../adapters/call-desk.ts'
import type { Dialer } from '../bridges/endpoint.ts'
import { GatewayError } from '../errors.ts'

/** A desk with the URLs that it dials. */
interface SchemedDesk {
  readonly desk: CallDesk
  readonly name: string
  readonly schemes: readonly string[]
}

export interface Calls extends Omit<CallDesk, 'counters' | 'find'> {
  /** @throws GatewayError 'not-found' */
  get(id: string): CallInfo
  /** What is counted of signalling, by protocol. */
  counters(): ReadonlyMap<string, Readonly<Record<string, number>>>
}

const schemeOf = (text: string): string => /^([a-z][a-z0-9+.-]*):/i.exec(text)?.[1]?.toLowerCase() ?? ''

class AllCalls implements Calls {
  readonly #desks: readonly SchemedDesk[]

  constructor(desks: readonly SchemedDesk[]) {
    this.#desks = desks
  }

  list(): readonly CallInfo[] {
    const all = this.#desks.flatMap(({ desk }) => desk.list())
    return all.toSorted((a, b) => Number(a.state === 'ended') - Number(b.state === 'ended'))
  }

  get(id: string): CallInfo {
    return this.#ownerOf(id).find(id)!
  }

  async dial(request: DialRequest): Promise<CallInfo> {
    return this.#deskFor(request.to).dial(request)
  }

  async hangup(id: string, detail?: string): Promise<void> {
    await this.#ownerOf(id).hangup(id, detail)
  }

  async hold(id: string): Promise<void> {
    await this.#ownerOf(id).hold(id)
  }

  async unhold(id: string): Promise<void> {
    await this.#ownerOf(id).unhold(id)
  }

  async sendDigits(id: string, digits: string, how?: DigitsWay): Promise<void> {
    await this.#ownerOf(id).sendDigits(id, digits, how)
  }

  async transfer(id: string, to: string): Promise<TransferResult> {
    return this.#ownerOf(id).transfer(id, to)
  }

  async hear(id: string, stream: string | undefined): Promise<void> {
    await this.#ownerOf(id).hear(id, stream)
  }

  explain(question: CallQuestion): CallExplanation {
    const [first] = this.#desks
    const isNumber = schemeOf(question.to) === ''
    return (isNumber && first !== undefined ? first.desk : this.#deskFor(question.to)).explain(question)
  }

  accounts(): readonly AccountInfo[] {
    return this.#desks.flatMap(({ desk }) => desk.accounts())
  }

  counters(): ReadonlyMap<string, Readonly<Record<string, number>>> {
    return new Map(this.#desks.map(({ name, desk }) => [name, desk.counters()]))
  }

  on(listener: (event: CallEvent) => void): () => void {
    const stops = this.#desks.map(({ desk }) => desk.on(listener))
    return () => {
      for (const stop of stops) stop()
    }
  }

  #ownerOf(id: string): CallDesk {
    const owner = this.#desks.find(({ desk }) => desk.find(id) !== undefined)
    if (owner === undefined) throw new GatewayError('not-found', `no call has the id ${id.slice(0, 32)}`)
    return owner.desk
  }

  #deskFor(to: string): CallDesk {
    const scheme = schemeOf(to)
    const found = this.#desks.find(({ schemes }) => schemes.includes(scheme) || scheme === 'tel')
    if (found !== undefined) return found.desk
    const known = this.#desks.flatMap(({ schemes }) => schemes).map(name => `${name}:`)
    const what = scheme === '' ? `${to.slice(0, 64)} is no URL` : `nothing here can call ${scheme}: URLs`
    throw new GatewayError('bad-url', `${what}: it begins with ${known.join(' ')} or tel:`)
  }
}

export const createCalls = (dialers: readonly Dialer[]): Calls =>
  new AllCalls(
    dialers.flatMap(({ adapter, context, config }) => {
      const desk = adapter.calls?.(context, config)
      return desk === undefined ? [] : [{ desk, name: adapter.name, schemes: adapter.schemes }]
    }),
  )
