import { defaultPort } from '../dns/locate.ts'
import type { Via } from '../message/types.ts'
import type { Stack } from '../stack/stack.ts'
import type { Flow } from '../transport/flow.ts'

/** Back by the connection that the request came by; when that is gone, by a new one to the Via's port. */
class ConnectionBack implements Flow {
  readonly transport: Flow['transport']
  readonly reliable = true
  readonly ip: string
  readonly port: number
  readonly door: number
  readonly local: Flow['local']
  readonly #stack: Pick<Stack, 'transports' | 'log'>
  readonly #via: Via
  #flow: Flow
  #told = false

  constructor(stack: Pick<Stack, 'transports' | 'log'>, via: Via, flow: Flow) {
    this.#stack = stack
    this.#via = via
    this.#flow = flow
    this.transport = flow.transport
    this.ip = flow.ip
    this.port = flow.port
    this.door = flow.door
    this.local = flow.local
  }

  get open(): boolean {
    return this.#flow.open
  }

  send(bytes: Buffer): void {
    if (this.#flow.open) this.#flow.send(bytes)
    else void this.#sendAnew(bytes)
  }

  /** To where the request came from, never to another host: nobody has us connect elsewhere. */
  async #sendAnew(bytes: Buffer): Promise<void> {
    const { transport, ip, door } = this
    const { host, port = defaultPort(transport) } = this.#via
    try {
      this.#flow = await this.#stack.transports.flowTo({ transport, ip, port, name: host }, door)
      this.#flow.send(bytes)
    } catch (error) {
      if (this.#told) return
      this.#told = true
      const peer = `${transport} ${ip}:${port}`
      this.#stack.log.info(
        { peer, reason: (error as Error).message },
        `the connection of a SIP request is gone, and its answer does not get to ${peer} by another`,
      )
    }
  }
}

/** The way of the answers to a request (RFC 3261 18.2.2, RFC 3581 4). */
export const answerFlow = (stack: Pick<Stack, 'transports' | 'log'>, via: Via, flow: Flow): Flow => {
  if (flow.reliable) return new ConnectionBack(stack, via, flow)
  const port = via.port ?? defaultPort(flow.transport)
  if (via.params.has('rport') || port === flow.port) return flow
  const answer = stack.transports.flowTo({ transport: 'udp', ip: flow.ip, port, name: flow.ip }, flow.door)
  return answer instanceof Promise ? flow : answer
}
