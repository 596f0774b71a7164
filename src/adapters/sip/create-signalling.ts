import type { BoundAddress, ListenAddress, Target, TransportKind } from './addresses.ts'
import { ClientRequest } from './client/client-request.ts'
import { OutgoingCall } from './client/outgoing-call.ts'
import { requestDraft } from './client/request-draft.ts'
import { createSign } from './digest/client.ts'
import { DigestServer } from './digest/server.ts'
import { Locator } from './dns/locator.ts'
import { systemResolver } from './dns/system-resolver.ts'
import { formatResponse } from './message/format-message.ts'
import type { NameAddr, SipUri } from './message/types.ts'
import type { InviteOptions, OutgoingInvite, OutgoingInviteEvents } from './outgoing-invite.ts'
import type { RequestOptions, RequestResult } from './request.ts'
import { Allowances } from './server/allowances.ts'
import { Dispatcher } from './server/dispatcher.ts'
import type { IncomingCall } from './server/incoming-call.ts'
import { Refusals } from './server/refusals.ts'
import type { Signalling, SignallingLimits, SignallingOptions, SignallingStats } from './signalling.ts'
import { capabilityHeaders } from './stack/capabilities.ts'
import { contactOfDoor } from './stack/local-address.ts'
import { type Stack, sourceOf } from './stack/stack.ts'
import { defaultTimes, type SipTimes } from './transaction/times.ts'
import { TransactionTable } from './transaction/transaction-table.ts'
import { type Flow, type FlowEvents, ping } from './transport/flow.ts'
import { LocalHost, type SeenAddress } from './transport/local-host.ts'
import { Transports } from './transport/transports.ts'
import type { OpenDatagramPort } from './transport/udp.ts'

const defaultLimits: SignallingLimits = {
  requestsPerSecond: 50,
  burst: 200,
  serverTransactions: 50_000,
  clientTransactions: 50_000,
  connections: 1000,
  connectionsPerSource: 50,
  messageBytes: 65_535,
}

/** For tests: another network, other times. */
export interface SignallingParts {
  readonly openUdpPort?: OpenDatagramPort
  readonly times?: SipTimes
  readonly random?: () => number
}

const noCounts = () => ({ sent: 0, retransmitted: 0 })

/** The doors, and everything behind them, for as long as SIP is spoken. */
class SipSignalling implements Signalling {
  readonly #stack: Stack
  readonly #dispatcher: Dispatcher
  readonly #refusals: Refusals
  readonly #allowances: Allowances
  readonly #counts: ReturnType<typeof noCounts>
  readonly #incoming = new Set<IncomingCall>()
  readonly #outgoing = new Set<OutgoingCall>()

  private constructor(
    stack: Stack,
    options: SignallingOptions,
    limits: SignallingLimits,
    counts: ReturnType<typeof noCounts>,
  ) {
    this.#stack = stack
    this.#counts = counts
    this.#refusals = new Refusals(stack.clock, stack.log, options.onRefused)
    const digest = new DigestServer(stack.clock)
    const { allowanceOf } = options
    this.#allowances = new Allowances({ clock: stack.clock, digest, limits, allowanceOf })
    this.#dispatcher = new Dispatcher({
      stack,
      refusals: this.#refusals,
      allowances: this.#allowances,
      digest,
      screen: options.screen,
      onInvite: call => this.#receiveCall(call, options.onInvite),
      onRequest: options.onRequest,
      methods: new Set(['INVITE', 'OPTIONS', ...(options.allow ?? [])]),
    })
  }

  static async open(options: SignallingOptions, parts: SignallingParts): Promise<SipSignalling> {
    const limits = { ...defaultLimits, ...options.limits }
    const counts = noCounts()
    const events: FlowEvents = {
      message: (bytes, flow) => {
        trace?.('in', bytes, flow)
        signalling.#dispatcher.receive(bytes, flow)
      },
      sent: (bytes, flow) => {
        counts.sent++
        trace?.('out', bytes, flow)
      },
      garbage: (reason, flow) => signalling.#refusals.add('malformed', flow, reason),
      lost: (flow, reason) => stack.table.fail(flow, reason),
    }
    const trace = tracer(options.trace)
    const transports = await Transports.open(options.addresses, events, {
      ...limits,
      clock: options.clock,
      ca: options.ca,
      rejectUnauthorized: options.rejectUnauthorized,
      openUdpPort: parts.openUdpPort,
    })
    const stack = buildStack(options, parts, limits, transports, counts)
    const signalling: SipSignalling = new SipSignalling(stack, options, limits, counts)
    return signalling
  }

  get addresses(): readonly BoundAddress[] {
    return this.#stack.transports.addresses
  }

  invite(options: InviteOptions, events: OutgoingInviteEvents): OutgoingInvite {
    const call: OutgoingCall = new OutgoingCall(
      this.#stack,
      options,
      events,
      createSign(options.credentials),
      () => this.#outgoing.delete(call),
    )
    this.#outgoing.add(call)
    return call
  }

  request(options: RequestOptions): Promise<RequestResult> {
    const { route = [], uri, door, targets } = options
    const draft = requestDraft(options)
    return new Promise(resolve => {
      const request = new ClientRequest(
        this.#stack,
        { draft, hop: route[0] ?? uri, targets, door, sign: createSign(options.credentials) },
        {
          response: (response, flow, detail) => {
            if (response.code < 200) return
            const source = flow === undefined ? undefined : { source: sourceOf(flow) }
            const why = detail === undefined ? undefined : { detail }
            resolve({ response, cseq: request.draft.cseq, ...source, ...why })
          },
        },
      )
    })
  }

  contact(door: number, user = '', towards = ''): NameAddr {
    const local = this.addresses[door]
    if (local === undefined) throw new RangeError(`there is no door ${door}`)
    return contactOfDoor(this.#stack, local, user, towards)
  }

  doorTowards(target: Target): number {
    return this.#stack.transports.doorFor(target, undefined)
  }

  hostTowards(local: BoundAddress, ip: string): string {
    return this.#stack.localHost.towards(local, ip)
  }

  learn(ip: string, seen: SeenAddress | undefined): void {
    this.#stack.localHost.learn(ip, seen)
  }

  renew(door: number, certificate: NonNullable<ListenAddress['certificate']>): void {
    this.#stack.transports.renew(door, certificate)
  }

  async locate(uri: SipUri): Promise<readonly Target[]> {
    return this.#stack.locate(uri)
  }

  keepAlive(target: Target, door?: number): void {
    void Promise.resolve(this.#stack.transports.flowTo(target, door)).then(
      flow => flow.send(ping),
      () => undefined,
    )
  }

  stats(): SignallingStats {
    const { table, dialogs, transports } = this.#stack
    const { received, malformed } = this.#dispatcher
    return {
      received,
      malformed,
      ...this.#counts,
      refused: { ...this.#refusals.counts },
      gauges: {
        serverTransactions: table.servers,
        clientTransactions: table.clients,
        dialogs: dialogs.size,
        connections: transports.connections,
        sources: this.#allowances.size,
      },
    }
  }

  async close(graceMs = 1000): Promise<void> {
    const { dialogs, table, transports, clock } = this.#stack
    this.#dispatcher.shut()
    for (const call of [...this.#incoming]) call.hangUp()
    for (const call of [...this.#outgoing]) call.cancel()
    for (const dialog of [...dialogs.values()]) dialog.hangUp('SIP;cause=503;text="Shutdown"')
    const endUs = clock.now() + graceMs * 1000
    while ((dialogs.size > 0 || this.#outgoing.size > 0) && clock.now() < endUs) {
      await new Promise<void>(resolve => clock.after(10_000, resolve))
    }
    table.clear()
    await transports.close()
  }

  #receiveCall(call: IncomingCall, onInvite: SignallingOptions['onInvite']): void {
    this.#incoming.add(call)
    call.onDecided = () => this.#incoming.delete(call)
    onInvite(call)
  }
}

const tracer = (trace: SignallingOptions['trace']) => {
  if (trace === undefined) return undefined
  return (direction: 'in' | 'out', bytes: Buffer, { transport, local, ip, port }: Flow): void =>
    trace({ direction, transport, local: `${local.host}:${local.port}`, remote: `${ip}:${port}`, bytes })
}

const buildStack = (
  options: SignallingOptions,
  { times = defaultTimes, random = Math.random }: SignallingParts,
  limits: SignallingLimits,
  transports: Transports,
  counts: ReturnType<typeof noCounts>,
): Stack => {
  const { clock, log, userAgent, allow = [], sessionTimer } = options
  const ours = new Set<TransportKind>([
    'tcp',
    'tls',
    ...transports.addresses.map(({ transport }) => transport),
  ])
  const locator = new Locator(options.resolver ?? systemResolver, clock, random, ours)
  const supported = ['100rel', 'timer', ...(options.supported ?? [])]
  return {
    clock,
    log,
    times,
    context: { clock, times, retransmitted: () => counts.retransmitted++ },
    userAgent,
    transports,
    table: new TransactionTable(limits.serverTransactions, limits.clientTransactions),
    localHost: new LocalHost(() => clock.now()),
    dialogs: new Map(),
    sessionTimer: { expiresS: 1800, minimumS: 90, ...sessionTimer },
    capabilities: capabilityHeaders(allow, supported),
    supported,
    locate: uri => locator.locate(uri),
    random,
    formatResponse: (headers, draft) => formatResponse(headers, draft, userAgent),
  }
}

/** Opens every door. @throws GatewayError 'port-in-use', 'bad-config' */
export const createSignalling = (
  options: SignallingOptions,
  parts: SignallingParts = {},
): Promise<Signalling> => SipSignalling.open(options, parts)
