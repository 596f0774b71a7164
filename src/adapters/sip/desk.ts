/** The calls of one context as the gateway sees them. Nothing is opened, or even loaded, before the first one. */
import { GatewayError } from '../../errors.ts'
import type { AdapterContext } from '../adapter.ts'
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
} from '../call-desk.ts'
import type { SipConfig } from './config.ts'
import { explainCall } from './explain.ts'
import type { Switchboard } from './switchboard.ts'

type Listener = (event: CallEvent) => void

/** Whoever has only trunks opens nothing before the first call: they are there to be called through all the same. */
const unusedTrunks = ({ trunks }: SipConfig): readonly AccountInfo[] =>
  Object.entries(trunks).map(([name, { uri }]) => {
    const unknown = { expiresAt: undefined, nextTryAt: undefined, error: undefined }
    return { name, uri, state: 'trunk', ...unknown, calls: 0 }
  })

export class Desk implements CallDesk {
  readonly #context: AdapterContext
  readonly #config: SipConfig
  readonly #listeners = new Set<Listener>()
  #opening: Promise<Switchboard> | undefined
  #board: Switchboard | undefined

  constructor(context: AdapterContext, config: SipConfig) {
    this.#context = context
    this.#config = config
  }

  /** Opens the doors, the first time. @throws GatewayError 'port-in-use', 'bad-config', 'dependency-missing' */
  open(): Promise<Switchboard> {
    this.#opening ??= this.#open().catch((thrown: unknown) => {
      this.#opening = undefined
      throw thrown
    })
    return this.#opening
  }

  list(): readonly CallInfo[] {
    return this.#board?.calls.infos() ?? []
  }

  find(id: string): CallInfo | undefined {
    return this.#board?.calls.info(id)
  }

  async dial(request: DialRequest): Promise<CallInfo> {
    const board = await this.open()
    return (await board.dial(request)).info
  }

  async hangup(id: string, detail = 'hung up on request'): Promise<void> {
    await this.#calls.get(id).end({ code: 0, by: 'us', detail })
  }

  async hold(id: string): Promise<void> {
    const { setHold } = await import('./calls/renegotiate.ts')
    await setHold(this.#calls.get(id), true)
  }

  async unhold(id: string): Promise<void> {
    const { setHold } = await import('./calls/renegotiate.ts')
    await setHold(this.#calls.get(id), false)
  }

  async sendDigits(id: string, digits: string, how?: DigitsWay): Promise<void> {
    const { sendDigits } = await import('./calls/send-digits.ts')
    await sendDigits(this.#calls.get(id), digits, how)
  }

  async transfer(id: string, to: string): Promise<TransferResult> {
    const { transferCall } = await import('./calls/transfer.ts')
    return transferCall(this.#calls.get(id), to)
  }

  async hear(id: string, stream: string | undefined): Promise<void> {
    const call = this.#calls.get(id)
    call.liveSession()
    await call.hearing.hear(stream)
  }

  explain(question: CallQuestion): CallExplanation {
    return explainCall(this.#config, question)
  }

  accounts(): readonly AccountInfo[] {
    return this.#board?.accounts() ?? unusedTrunks(this.#config)
  }

  counters(): Readonly<Record<string, number>> {
    return this.#board?.counters() ?? {}
  }

  on(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get #calls(): Switchboard['calls'] {
    if (this.#board === undefined) throw new GatewayError('not-found', 'there has been no call yet')
    return this.#board.calls
  }

  async #open(): Promise<Switchboard> {
    const { Switchboard } = await import('./switchboard.ts')
    const tell = (event: CallEvent): void => {
      for (const listener of this.#listeners) listener(event)
    }
    this.#board = await Switchboard.open({ context: this.#context, config: this.#config, tell })
    return this.#board
  }
}
